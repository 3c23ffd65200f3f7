#include "tools/vm/process_watch.hpp"

#include <algorithm>
#include <unistd.h>

#include "base/file.hpp"
#include "base/number.hpp"
#include "process/reference.hpp"

namespace sojourn::tools {

namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
/// In /proc/PID/stat behind the name in parentheses, from 0: see proc(5).
constexpr std::size_t kUserTimeField = 11;
constexpr std::size_t kSystemTimeField = 12;

/// Processor time that a host process has had; 0 where nobody tells.
std::uint64_t processor_ns_of(pid_t pid) {
    const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
    if (!stat.ok()) return 0;
    std::string_view rest = as_text(*stat);
    rest.remove_prefix(std::min(rest.size(), rest.rfind(')') + 2));
    std::uint64_t ticks = 0;
    for (std::size_t field = 0; field <= kSystemTimeField && !rest.empty(); ++field) {
        const std::size_t length = std::min(rest.find(' '), rest.size());
        if (field >= kUserTimeField)
            ticks += parse_number<std::uint64_t>(rest.substr(0, length)).value_or(0);
        rest.remove_prefix(std::min(length + 1, rest.size()));
    }
    return ticks * (kNsPerSecond / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)));
}

bool comes_before(const WatchedProcess& process, const WatchedProcess& other) {
    const auto order = [](const WatchedProcess& one) {
        const bool runs = one.observation.state == process::ObservedState::running;
        return std::tuple(!runs, process::display_name(one.record));
    };
    return order(process) < order(other);
}

}  // namespace

Result<std::vector<WatchedProcess>> ProcessWatch::look() {
    std::vector<WatchedProcess> all;
    for (const store::ProcessRecord& listed : TRY(store_.listed())) {
        // One that is damaged, or was removed this moment, is no matter of the others.
        const auto family = store_.family(listed.family);
        if (!family.ok()) continue;
        auto record = (*family)->process(listed.id);
        if (!record.ok()) continue;
        WatchedProcess process;
        process.record = std::move(*record);
        process.observation = process::observe(store_.run_directory(), process.record);
        if (auto checkpoints = (*family)->checkpoints(listed.id); checkpoints.ok()) {
            process.checkpoint_count = checkpoints->size();
            if (!checkpoints->empty()) process.newest_checkpoint = std::move(checkpoints->back());
        }
        look_at_runner(process);
        all.push_back(std::move(process));
    }
    std::ranges::sort(all, comes_before);
    return all;
}

void ProcessWatch::look_at_runner(WatchedProcess& process) {
    if (process.observation.state != process::ObservedState::running) {
        seen_.erase(process.record.id);
        return;
    }
    const auto answer = process::ask(store_.run_directory(), process.record, {});
    if (answer.ok()) process.memory = answer->memory;
    Seen now;
    now.at_ns = clock_.monotonic_ns();
    now.pid = process.observation.pid;
    now.processor_ns = processor_ns_of(now.pid);
    now.dirty_bytes = process.memory ? process.memory->dirty_bytes : 0;
    now.head = process.record.head;
    const auto before = seen_.find(process.record.id);
    if (before != seen_.end() && before->second.pid == now.pid && before->second.at_ns < now.at_ns)
        add_rates(process, before->second, now);
    seen_[process.record.id] = now;
}

void ProcessWatch::add_rates(WatchedProcess& process, const Seen& before, const Seen& now) const {
    const double seconds =
        static_cast<double>(now.at_ns - before.at_ns) / static_cast<double>(kNsPerSecond);
    process.processor_share =
        static_cast<double>(now.processor_ns - std::min(now.processor_ns, before.processor_ns)) /
        static_cast<double>(kNsPerSecond) / seconds;
    if (!process.memory) return;
    // A checkpoint in between began the count anew.
    const bool goes_on = before.head == now.head && before.dirty_bytes <= now.dirty_bytes;
    const std::uint64_t more = now.dirty_bytes - (goes_on ? before.dirty_bytes : 0);
    process.dirty_bytes_per_second =
        static_cast<std::uint64_t>(static_cast<double>(more) / seconds);
}

}  // namespace sojourn::tools
