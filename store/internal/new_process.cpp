#include "store/internal/new_process.hpp"

#include <algorithm>
#include <tuple>

#include "base/clock.hpp"
#include "store/internal/keys.hpp"

namespace sojourn::store {

namespace {

constexpr std::size_t kNameBytesMax = 200;
constexpr std::size_t kPrefixDigitsMin = 4;

bool is_allowed(char character) {
    const auto code = static_cast<unsigned char>(character);
    return code > 0x20 && code != 0x7f &&
           std::string_view("@/:").find(character) == std::string::npos;
}

}  // namespace

Result<void> check_name(const std::string& name) {
    if (name.size() <= kNameBytesMax && std::ranges::all_of(name, is_allowed)) return {};
    return fail(ErrorCode::invalid_argument,
                "'{}' cannot be a name: at most {} bytes, no blanks and none of @ / :", name,
                kNameBytesMax);
}

Error name_taken(const std::string& name) {
    return fail(ErrorCode::already_exists,
                "there is a process named {} already: remove it, replace it or choose another name",
                name);
}

ProcessRecord make_process_record(const NewProcess& process, Random& random) {
    ProcessRecord record;
    random.fill(record.id.bytes);
    random.fill(record.family.bytes);
    record.name = process.name;
    record.generation = process.generation;
    record.created_us =
        process.created_us != 0 ? process.created_us : SystemClock().realtime_ns() / 1000;
    return record;
}

ProcessRecord make_copy_record(const NewProcess& copy, FamilyId family, Random& random) {
    ProcessRecord record = make_process_record(copy, random);
    record.family = family;
    record.state = copy.is_acquired ? ProcessState::running : ProcessState::suspended;
    if (copy.is_acquired) record.epoch = next(record.epoch);
    return record;
}

Result<ListedProcess> select_process(std::span<const ListedProcess> processes,
                                     const std::string& name_or_id) {
    const auto named = std::ranges::find(processes, name_or_id, &ListedProcess::name);
    if (named != processes.end() && !name_or_id.empty()) return *named;

    const ListedProcess* match = nullptr;
    if (name_or_id.size() >= kPrefixDigitsMin) {
        for (const ListedProcess& process : processes) {
            if (!process.id.hex().starts_with(name_or_id)) continue;
            if (match != nullptr) {
                return fail(ErrorCode::not_found,
                            "several processes have an id that begins with {}", name_or_id);
            }
            match = &process;
        }
    }
    if (match == nullptr) return fail(ErrorCode::not_found, "there is no process {}", name_or_id);
    return *match;
}

void sort_by_age(std::vector<ProcessRecord>& processes) {
    std::ranges::sort(processes, {}, [](const ProcessRecord& process) {
        return std::tuple(process.created_us, process.id.bytes);
    });
}

}  // namespace sojourn::store
