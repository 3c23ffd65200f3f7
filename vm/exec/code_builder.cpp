#include "vm/exec/code_builder.hpp"

namespace sojourn::vm {

void CodeBuilder::emit(Handler handler, std::uint16_t a, std::uint16_t b, std::uint32_t immediate) {
    Word word;
    word.op = {handlers_[static_cast<std::size_t>(handler)], a, b, immediate};
    words_.push_back(word);
    offsets_.push_back(code_offset_);
}

void CodeBuilder::emit_result(Handler handler, std::uint16_t a, std::uint16_t b,
                              std::uint32_t immediate) {
    results_.push_back({size(), 1, handler});
    emit(handler, a, b, immediate);
}

void CodeBuilder::extend(std::uint64_t first, std::uint64_t second) {
    if (last_result() != nullptr) ++results_.back().word_count;
    Word word;
    word.more = {first, second};
    words_.push_back(word);
    offsets_.push_back(code_offset_);
}

void CodeBuilder::emit_branch(Handler handler, Label& label, std::uint16_t a, std::uint16_t b) {
    const std::uint32_t here = size();
    emit(handler, a, b);
    label.is_used = true;
    if (label.word_index) {
        resolve({here, here}, *label.word_index);
    } else {
        label.unresolved.push_back({here, here});
    }
}

void CodeBuilder::emit_table_entry(Label& label, std::uint32_t base_index) {
    const Label::Use use{size(), base_index};
    emit(Handler::branch_table_entry);
    label.is_used = true;
    if (label.word_index) {
        resolve(use, *label.word_index);
    } else {
        label.unresolved.push_back(use);
    }
}

void CodeBuilder::bind(Label& label) {
    label.word_index = size();
    for (const auto& use : label.unresolved)
        resolve(use, size());
    label.unresolved.clear();
    results_.clear();
}

void CodeBuilder::resolve(const Label::Use& use, std::uint32_t target_index) {
    const std::int64_t words = std::int64_t{target_index} - std::int64_t{use.base_index};
    const std::int64_t bytes = words * static_cast<std::int64_t>(sizeof(Word));
    INVARIANT(bytes >= INT32_MIN && bytes <= INT32_MAX, "a function's code is below 2 GiB");
    words_[use.word_index].op.immediate = static_cast<std::uint32_t>(bytes);
}

void CodeBuilder::note_safepoint(SafepointKind kind, std::uint32_t slot_count) {
    safepoints_.push_back({size(), code_offset_, slot_count, kind});
}

std::size_t CodeBuilder::add_try_region(TryRegion region) {
    try_regions_.push_back(std::move(region));
    return try_regions_.size() - 1;
}

const CodeBuilder::Result* CodeBuilder::last_result() const {
    if (results_.empty()) return nullptr;
    const Result& result = results_.back();
    return result.word_index + result.word_count == size() ? &result : nullptr;
}

bool CodeBuilder::retarget_result(std::uint16_t from, std::uint16_t to) {
    const Result* result = last_result();
    if (result == nullptr || words_[result->word_index].op.a != from) return false;
    words_[result->word_index].op.a = to;
    return true;
}

std::optional<CodeBuilder::Plain> CodeBuilder::last_plain(std::uint16_t slot) const {
    const Result* result = last_result();
    if (result == nullptr || result->handler > Handler::last_of_opcodes) return std::nullopt;
    const Operation& op = words_[result->word_index].op;
    if (op.a != slot) return std::nullopt;
    return Plain{opcode_of(result->handler), form_of(result->handler), op};
}

std::optional<Operation> CodeBuilder::last_operation(Handler handler, std::uint16_t slot) const {
    const Result* result = last_result();
    if (result == nullptr || result->handler != handler) return std::nullopt;
    const Operation& op = words_[result->word_index].op;
    return op.a == slot ? std::optional(op) : std::nullopt;
}

bool CodeBuilder::make_last_return(std::uint16_t slot) {
    const auto last = last_plain(slot);
    if (!last || (last->form != Form::slots && last->form != Form::constant)) return false;
    const Form form = last->form == Form::slots ? Form::result : Form::constant_result;
    if (!has_form(last->opcode, form)) return false;
    take_back();
    emit(handler_of(last->opcode, form), 0, last->op.b, last->op.immediate);
    return true;
}

void CodeBuilder::take_back() {
    words_.pop_back();
    offsets_.pop_back();
    results_.pop_back();
}

void CodeBuilder::emit_move(std::uint16_t to, std::uint16_t from, std::uint32_t width) {
    if (width == 2) return emit_result(Handler::move_vector, to, from);
    const Result* result = last_result();
    if (result == nullptr || result->handler != Handler::move) {
        return emit_result(Handler::move, to, from);
    }
    const Operation first = words_[result->word_index].op;
    take_back();
    emit(Handler::move_two, first.a, first.b, to | std::uint32_t{from} << 16U);
}

Translation CodeBuilder::finish() && {
    words_.shrink_to_fit();
    offsets_.shrink_to_fit();
    safepoints_.shrink_to_fit();
    return {std::move(words_), std::move(offsets_), std::move(safepoints_),
            std::move(try_regions_)};
}

}  // namespace sojourn::vm
