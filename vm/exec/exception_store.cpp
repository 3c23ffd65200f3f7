#include "vm/exec/exception_store.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace sojourn::vm {

namespace {

constexpr Reference kExceptionMark = Reference{1} << 63U;

std::optional<std::uint32_t> number_of(Reference reference) {
    const Reference number = reference & ~kExceptionMark;
    if ((reference & kExceptionMark) == 0 || number > UINT32_MAX) return std::nullopt;
    return static_cast<std::uint32_t>(number);
}

}  // namespace

Reference ExceptionStore::make(const ExceptionTag& tag, std::span<const std::uint64_t> values) {
    EXPECTS(has_room_for(tag), "exceptions are bounded");
    while (exceptions_.contains(next_number_))
        ++next_number_;
    const std::uint32_t number = next_number_++;
    exceptions_.emplace(number, Exception{&tag, {values.begin(), values.end()}});
    slots_ += slots_of(tag);
    return kExceptionMark | number;
}

const Exception* ExceptionStore::find(Reference reference) const {
    const auto number = number_of(reference);
    if (!number) return nullptr;
    const auto found = exceptions_.find(*number);
    return found == exceptions_.end() ? nullptr : &found->second;
}

void ExceptionStore::collect(std::span<const std::span<const std::uint64_t>> roots) {
    std::map<std::uint32_t, Exception> kept;
    std::vector<std::uint32_t> unvisited;
    const auto visit = [&](std::span<const std::uint64_t> words) {
        for (const std::uint64_t word : words) {
            const auto number = number_of(word);
            if (!number || !exceptions_.contains(*number)) continue;
            kept.insert(exceptions_.extract(*number));
            unvisited.push_back(*number);
        }
    };
    for (const auto words : roots)
        visit(words);
    while (!unvisited.empty()) {
        const std::uint32_t number = unvisited.back();
        unvisited.pop_back();
        visit(kept.at(number).values);
    }
    exceptions_ = std::move(kept);
    slots_ = 0;
    for (const auto& [number, exception] : exceptions_)
        slots_ += slots_of(*exception.tag);
    crowded_at_ = std::max(kCrowdedMin, 2 * slots_);
}

bool ExceptionStore::restore(std::uint32_t number, const ExceptionTag& tag,
                             std::vector<std::uint64_t> values) {
    if (!has_room_for(tag) || values.size() != tag.slot_count) return false;
    if (!exceptions_.emplace(number, Exception{&tag, std::move(values)}).second) return false;
    slots_ += slots_of(tag);
    return true;
}

}  // namespace sojourn::vm
