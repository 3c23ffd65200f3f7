#include <array>
#include <csignal>
#include <poll.h>
#include <thread>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/quantity.hpp"
#include "leases/own_terminal.hpp"
#include "process/reference.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/process_watch.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

/// Between the two looks of an answer that is given once.
constexpr std::uint64_t kGlanceNs = 250'000'000;
constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::string_view kBeginScreen = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kClearScreen = "\x1b[H\x1b[2J";
constexpr std::string_view kEndScreen = "\x1b[?25h\x1b[?1049l";

template <typename Number>
Json row_of(const std::optional<Number>& number) {
    return number ? Json(*number) : Json();
}

Json row_of(const WatchedProcess& process) {
    Json row{{"id", process.record.id.hex()},
             {"name", process.record.name},
             {"state", process::text_of(process.observation.state)},
             {"pid", nullptr},
             {"processor_share", row_of(process.processor_share)},
             {"resident_bytes", nullptr},
             {"cache_bytes", nullptr},
             {"dirty_bytes", nullptr},
             {"dirty_bytes_per_second", row_of(process.dirty_bytes_per_second)},
             {"checkpoints", process.checkpoint_count},
             {"newest_checkpoint", nullptr}};
    if (process.observation.pid != 0) row["pid"] = process.observation.pid;
    if (process.memory) {
        row["resident_bytes"] = process.memory->resident_bytes;
        row["cache_bytes"] = row_of(process.memory->cache_bytes);
        row["dirty_bytes"] = process.memory->dirty_bytes;
    }
    if (process.newest_checkpoint) row["newest_checkpoint"] = json_of(*process.newest_checkpoint);
    return row;
}

Result<void> print_as_json(const std::vector<WatchedProcess>& processes) {
    Json object = new_json();
    object["processes"] = Json::array();
    for (const WatchedProcess& process : processes)
        object["processes"].push_back(row_of(process));
    return print_json(object);
}

Cell number(const std::optional<std::uint64_t>& bytes, const char* suffix = "") {
    return {bytes ? bytes_for_people(*bytes) + suffix : "-", Colour::none, true};
}

/// `3 s`, `5 min`, `2 h`, `4 d`
std::string age_for_people(std::uint64_t seconds) {
    if (seconds < 60) return fmt::format("{} s", seconds);
    if (seconds < 3600) return fmt::format("{} min", seconds / 60);
    return seconds < 86'400 ? fmt::format("{} h", seconds / 3600)
                            : fmt::format("{} d", seconds / 86'400);
}

std::vector<Cell> row_of(const WatchedProcess& process, const Clock& clock) {
    const auto& memory = process.memory;
    const auto& checkpoint = process.newest_checkpoint;
    const bool runs = process.observation.state == process::ObservedState::running;
    const std::string share =
        process.processor_share ? fmt::format("{:.0f} %", *process.processor_share * 100) : "-";
    std::string age = "-";
    if (checkpoint) {
        const std::uint64_t now_us = clock.realtime_ns() / 1000;
        age = age_for_people((now_us - std::min(now_us, checkpoint->time_us)) / 1'000'000);
    }
    return {
        {process::display_name(process.record)},
        {std::string(process::text_of(process.observation.state)),
         runs ? Colour::green : Colour::grey},
        {process.observation.pid == 0 ? "-" : std::to_string(process.observation.pid), {}, true},
        {share, {}, true},
        number(memory ? std::optional(memory->resident_bytes) : std::nullopt),
        number(memory ? memory->cache_bytes : std::nullopt),
        number(memory ? std::optional(memory->dirty_bytes) : std::nullopt),
        number(process.dirty_bytes_per_second, "/s"),
        {std::to_string(process.checkpoint_count), {}, true},
        {age, {}, true},
        {checkpoint ? microseconds_for_people(checkpoint->pause_us) : "-", {}, true}};
}

Result<void> print_for_people(const std::vector<WatchedProcess>& processes, const Clock& clock) {
    std::vector<std::vector<Cell>> table;
    for (const WatchedProcess& process : processes)
        table.push_back(row_of(process, clock));
    return print_table({"NAME", "STATE", "PID", "CPU", "MEMORY", "CACHE", "DIRTY", "DIRTIED",
                        "CHECKPOINTS", "NEWEST", "PAUSE"},
                       table);
}

Result<void> show(std::string_view text) {
    return write_all(STDOUT_FILENO, as_bytes(text));
}

/// The whole terminal, until this goes.
class Screen {
public:
    Screen() { static_cast<void>(show(kBeginScreen)); }
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;
    ~Screen() { static_cast<void>(show(kEndScreen)); }
};

/// Whether somebody typed `q`, or ctrl-C, or is gone, within the time.
bool is_quit_within(std::uint64_t timeout_ns, const Clock& clock) {
    const std::uint64_t end_ns = clock.monotonic_ns() + timeout_ns;
    for (;;) {
        const std::uint64_t now_ns = clock.monotonic_ns();
        if (now_ns >= end_ns) return false;
        pollfd typed{STDIN_FILENO, POLLIN, 0};
        const int ready = ::poll(&typed, 1, static_cast<int>((end_ns - now_ns) / kNsPerMs) + 1);
        if (ready <= 0) continue;
        std::array<char, 64> keys;
        const ssize_t got = ::read(STDIN_FILENO, keys.data(), keys.size());
        if (got <= 0) return true;
        const std::string_view text(keys.data(), static_cast<std::size_t>(got));
        if (text.find_first_of("qQ\x03") != std::string_view::npos) return true;
    }
}

Result<int> watch(ProcessWatch& processes, std::uint64_t every_ns, const Clock& clock) {
    const auto terminal = leases::OwnTerminal::find(std::array{STDIN_FILENO});
    if (terminal != nullptr) terminal->set_mode(leases::TerminalMode::raw);
    const Screen screen;
    do {
        const auto seen = TRY(processes.look());
        TRY(show(kClearScreen));
        TRY(print_for_people(seen, clock));
        TRY(print_line("\nq quits"));
    } while (!is_quit_within(every_ns, clock));
    return 0;
}

Result<int> perform_top(const Invocation& invocation, const std::string& every) {
    const std::uint64_t every_ns = TRY(parse_duration(every));
    const auto store = TRY(open_store(invocation));
    ProcessWatch processes(*store, invocation.clock);
    const bool is_watched = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
    if (is_watched && !invocation.json) return watch(processes, every_ns, invocation.clock);
    TRY(processes.look());
    std::this_thread::sleep_for(std::chrono::nanoseconds(kGlanceNs));
    const auto seen = TRY(processes.look());
    TRY(invocation.json ? print_as_json(seen) : print_for_people(seen, invocation.clock));
    return 0;
}

}  // namespace

void add_top(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "top",
                              "Watch what processes do: memory, how much of it changes, pauses");
    auto every = std::make_shared<std::string>("1s");
    verb->add_option("--every", *every, "How often to look, on a terminal: 200ms, 1s unless given")
        ->type_name("TIME");
    give_examples(*verb, {{"vm top", "on a terminal: until q"},
                          {"vm top | cat", "once"},
                          {"vm top --json", "once, for scripts"}});
    verb->callback([every, &invocation] {
        invocation.perform = [every, &invocation] { return perform_top(invocation, *every); };
    });
}

}  // namespace sojourn::tools
