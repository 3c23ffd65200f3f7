#include "process/reference.hpp"

#include <algorithm>
#include <vector>

#include "base/edit_distance.hpp"
#include "base/number.hpp"

namespace sojourn::process {

namespace {

constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kNearNamesMax = 3;

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
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
    Reference reference{std::string(text.substr(0, at)), std::nullopt};
    if (reference.process.empty()) {
        return fail(ErrorCode::invalid_argument,
                    "'{}' names no process; write NAME or NAME@CHECKPOINT", text);
    }
    if (at == std::string_view::npos) return reference;

    const std::string_view digits = text.substr(at + 1);
    const auto number = parse_number<std::uint64_t>(digits);
    if (number.value_or(0) == 0) {
        return fail(ErrorCode::invalid_argument,
                    "'{}' is no checkpoint number; vm log {} lists those there are", digits,
                    reference.process);
    }
    reference.checkpoint = store::Version{*number};
    return reference;
}

Result<void> check_name(std::string_view name) {
    const bool is_word =
        !name.empty() && name.size() <= kNameBytesMax && is_alphanumeric(name.front()) &&
        std::all_of(name.begin(), name.end(),
                    [](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
    store::Id128 id;
    if (is_word && !from_hex(name, id.bytes)) return {};
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
