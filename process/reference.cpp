#include "process/reference.hpp"

#include <algorithm>
#include <vector>

#include "base/edit_distance.hpp"
#include "base/number.hpp"
#include "store/tag_name.hpp"

namespace sojourn::process {

namespace {

constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kNearNamesMax = 3;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_alphanumeric(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_word(std::string_view text) {
    return !text.empty() && text.size() <= kNameBytesMax && is_alphanumeric(text.front()) &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
           });
}

std::string near_names(const store::Store& store, const std::string& name) {
    const auto all = store.listed();
    if (!all.ok()) return "";
    std::vector<std::pair<std::size_t, std::string>> ranked;
    for (const auto& record : *all) {
        const std::size_t distance = edit_distance(name, record.name);
        const bool is_near = distance <= 1 + name.size() / 3 || record.name.starts_with(name);
        if (!record.name.empty() && is_near) ranked.emplace_back(distance, record.name);
    }
    std::sort(ranked.begin(), ranked.end());
    ranked.resize(std::min(ranked.size(), kNearNamesMax));
    std::string text;
    for (const auto& [distance, near] : ranked)
        text += text.empty() ? near : ", " + near;
    return text;
}

}  // namespace

Result<Reference> Reference::parse(std::string_view text) {
    const auto at = text.rfind('@');
    Reference reference{std::string(text.substr(0, at)), ""};
    if (reference.process.empty()) {
        return fail(ErrorCode::invalid_argument,
                    "'{}' names no process; write NAME or NAME@CHECKPOINT", text);
    }
    if (at == std::string_view::npos) return reference;

    reference.checkpoint = text.substr(at + 1);
    const auto number = parse_number<std::uint64_t>(reference.checkpoint);
    if (number.value_or(0) != 0 || store::is_tag_name(reference.checkpoint)) return reference;
    return fail(ErrorCode::invalid_argument,
                "'{}' is neither a checkpoint's number nor a tag; vm log {} lists those there are",
                reference.checkpoint, reference.process);
}

Result<std::optional<store::Version>> checkpoint_of(store::Store& store,
                                                    const store::ProcessRecord& process,
                                                    const Reference& reference) {
    if (reference.checkpoint.empty()) return std::optional<store::Version>();
    if (const auto number = parse_number<std::uint64_t>(reference.checkpoint))
        return std::optional(store::Version{*number});
    const auto family = TRY(store.family(process.family));
    const auto history = TRY(family->checkpoints(process.id));
    for (auto info = history.rbegin(); info != history.rend(); ++info) {
        if (std::ranges::find(info->tags, reference.checkpoint) != info->tags.end())
            return std::optional(info->id);
    }
    return fail(ErrorCode::not_found,
                "no checkpoint of '{}' has the tag '{}'; vm tag {} lists those there are",
                display_name(process), reference.checkpoint, display_name(process));
}

Result<void> expect_in_history(const store::Family& family, const store::ProcessRecord& process,
                               store::Version checkpoint) {
    const auto history = TRY(family.checkpoints(process.id));
    if (std::ranges::find(history, checkpoint, &store::CheckpointInfo::id) != history.end())
        return {};
    return fail(ErrorCode::not_found, "no checkpoint {}; vm log {} lists those there are",
                display_name(process, checkpoint), display_name(process));
}

Result<void> check_tag(std::string_view tag) {
    if (store::is_tag_name(tag)) return {};
    return fail(ErrorCode::invalid_argument,
                "'{}' can't be a tag; use up to {} letters, digits, '.', '_' and '-', a letter "
                "first, and no '..'",
                tag, kNameBytesMax);
}

Result<void> check_name(std::string_view name) {
    store::Id128 id;
    if (is_word(name) && !from_hex(name, id.bytes)) return {};
    return fail(ErrorCode::invalid_argument,
                "'{}' can't be a name; use up to {} letters, digits, '.', '_' and '-', a letter or "
                "digit first",
                name, kNameBytesMax);
}

std::string display_name(const store::ProcessRecord& record) {
    return record.name.empty() ? record.id.hex() : record.name;
}

std::string display_name(const store::ProcessRecord& record, store::Version checkpoint) {
    return fmt::format("{}@{}", display_name(record), static_cast<std::uint64_t>(checkpoint));
}

Result<store::ProcessRecord> find(store::Store& store, const std::string& name) {
    const auto found = store.find_process(name);
    if (!found.ok()) {
        if (found.error().code != ErrorCode::not_found) return found.error();
        const std::string near = near_names(store, name);
        return fail(ErrorCode::not_found, "no process '{}'; {}", name,
                    near.empty() ? "vm ps lists those there are" : "did you mean " + near + "?");
    }
    const auto family = TRY(store.family(found->family));
    return family->process(found->id);
}

Result<store::ProcessRecord> find_listed(const store::Store& store, const std::string& name) {
    for (store::ProcessRecord& record : TRY(store.listed())) {
        const bool is_it = record.id.hex() == name || (!name.empty() && record.name == name);
        if (is_it) return std::move(record);
    }
    return fail(ErrorCode::not_found, "no process '{}'; vm ps lists those there are", name);
}

}  // namespace sojourn::process
