#include "tools/vm/execution_options.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/quantity.hpp"
#include "base/trace.hpp"
#include "process/free_memory.hpp"
#include "tools/vm/backtrace.hpp"
#include "tools/vm/guest_options.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/store_location.hpp"

namespace sojourn::tools {

namespace {

/// nullopt is unlimited.
Result<std::optional<std::uint64_t>> parse_cache(const std::string& text) {
    using Limit = std::optional<std::uint64_t>;
    if (text == "unlimited") return Limit();
    if (text.empty())
        return Limit(std::max(process::free_memory_bytes() / 2, heap::kCacheBytesMin));
    const auto bytes = parse_size(text);
    if (!bytes.ok()) {
        return fail(ErrorCode::invalid_argument, "--cache {}: write 256M, 4G or unlimited", text);
    }
    if (*bytes >= heap::kCacheBytesMin) return Limit(*bytes);
    return fail(ErrorCode::invalid_argument, "--cache {}: the smallest is {}K", text,
                heap::kCacheBytesMin >> 10U);
}

/// Makes the folder, too.
Result<void> parse_dump(const std::string& text, vm::CompilerOptions& compiler) {
    const std::size_t colon = text.find(':');
    const std::string kind = text.substr(0, colon);
    if (kind != "ir" && kind != "asm") {
        return fail(ErrorCode::invalid_argument, "--jit-dump {}: write ir, asm, ir:DIR or asm:DIR",
                    text);
    }
    compiler.dump =
        kind == "ir" ? vm::CompilerOptions::Dump::ir : vm::CompilerOptions::Dump::assembly;
    compiler.dump_folder = colon == std::string::npos ? "jit-dump" : text.substr(colon + 1);
    std::error_code error;
    std::filesystem::create_directories(compiler.dump_folder, error);
    if (error) return fail_errno(error.value(), "--jit-dump: cannot make {}", compiler.dump_folder);
    return {};
}

std::string_view text_of(process::Outcome::Kind kind) {
    switch (kind) {
        case process::Outcome::Kind::exited:
            return "exited";
        case process::Outcome::Kind::trapped:
            return "trapped";
        case process::Outcome::Kind::suspended:
            return "suspended";
        case process::Outcome::Kind::stopped:
            return "stopped";
    }
    return "unknown";
}

Backtrace backtrace_of(const process::Outcome& outcome) {
    return {outcome.trapped.backtrace, outcome.trapped.frames_left_out, outcome.modules};
}

Json json_of_trap(const process::Outcome& outcome, const Clock& clock) {
    const std::string& detail = outcome.trapped.detail;
    return {{"kind", vm::text_of(outcome.trapped.trap)},
            {"detail", detail.empty() ? Json() : Json(detail)},
            {"backtrace", json_of(backtrace_of(outcome), clock)},
            {"frames_left_out", outcome.trapped.frames_left_out}};
}

int exit_code_of(const process::Outcome& outcome) {
    if (outcome.is_out_of_time) return kTimeoutExitCode;
    if (outcome.kind == process::Outcome::Kind::suspended) return kSuspendedExitCode;
    return outcome.exit_code;
}

void report_to_people(const Invocation& invocation, const process::Outcome& outcome) {
    if (outcome.kind == process::Outcome::Kind::trapped) {
        const std::string& detail = outcome.trapped.detail;
        fmt::print(stderr, "vm: trap: {}{}{}\n", vm::text_of(outcome.trapped.trap),
                   detail.empty() ? "" : ": ", detail);
        fmt::print(stderr, "{}", text_of(backtrace_of(outcome), invocation.clock));
    }
    if (outcome.is_out_of_time) fmt::print(stderr, "vm: time is up (--timeout)\n");
    if (outcome.kind == process::Outcome::Kind::suspended) {
        fmt::print(stderr, "vm: {} is suspended at {}; to go on: vm resume{} {}\n",
                   process::display_name(outcome.process),
                   process::display_name(outcome.process, outcome.checkpoint),
                   store_option(invocation), process::display_name(outcome.process));
    }
}

void report_as_json(const process::Outcome& outcome, int exit_code, const Clock& clock) {
    Json object = new_json();
    object["id"] = outcome.process.id.hex();
    object["name"] = outcome.process.name;
    object["ended"] = text_of(outcome.kind);
    object["exit_code"] = exit_code;
    object["checkpoint"] = nullptr;
    object["trap"] = nullptr;
    if (outcome.checkpoint != store::kNoVersion) {
        object["checkpoint"] = static_cast<std::uint64_t>(outcome.checkpoint);
    }
    if (outcome.kind == process::Outcome::Kind::trapped) {
        object["trap"] = json_of_trap(outcome, clock);
    }
    fmt::print(stderr, "{}\n", object.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

void ExecutionOptions::add_to(CLI::App& verb) {
    verb.add_option("--stats", stats_file, "Write what happened to FILE, as JSON, at the end")
        ->type_name("FILE");
    verb.add_option("--cache", cache,
                    "How much of the guest's memory stays in ours: 256M, 4G, unlimited; half of "
                    "what is free unless given")
        ->type_name("SIZE");
    verb.add_option("--engine", engine,
                    "How the guest's code is run: auto, unless given, which interprets it and "
                    "compiles what is hot in the background, interp, or jit, which compiles "
                    "every function when it is called first")
        ->type_name("KIND");
    verb.add_option("--jit-threads", jit_threads,
                    "How many threads compile in the background; 1 unless given")
        ->type_name("N")
        ->check(CLI::Range(1, 64));
    verb.add_option("--jit-dump", jit_dump,
                    "Write what is compiled of each function to DIR, jit-dump unless given: ir, "
                    "LLVM's code, or asm, the processor's")
        ->type_name("ir|asm[:DIR]");
    verb.add_flag("--jit-names", names_code,
                  "Tell perf, in /tmp/perf-PID.map, and debuggers whose code is compiled");
    code_cache.add_to(verb);
    verb.add_option("--heap-mechanism", heap_mechanism,
                    "How pages are faulted in: auto, uffd-async, uffd-sync or mprotect")
        ->type_name("KIND");
    verb.add_option("--reincarnate-every", reincarnate_every,
                    "At each N-th safepoint: checkpoint, drop the machine, restore, go on")
        ->type_name("N");
    verb.add_option("--expire-every", expire_every,
                    "At each N-th safepoint: take all leases back, so that each use gets its "
                    "service again")
        ->type_name("N");
    verb.add_option("--suspend-after", suspend_after,
                    "Suspend it when it has passed N more safepoints; needs a name")
        ->type_name("N");
    verb.add_option("--lease-ttl", lease_terms,
                    "For how long leases of a kind are granted, file=10s; they are renewed while "
                    "the process runs; may be repeated")
        ->type_name("KIND=TIME")
        ->allow_extra_args(false);
    verb.add_option("--timeout", timeout,
                    "End after so long, 200ms, 10s, 5m or 1h, with exit code 124; a process with a "
                    "name is suspended")
        ->type_name("TIME");
    verb.add_flag("-d,--detach", is_detached,
                  "Run it in the background; return when the guest runs. vm logs shows what it "
                  "says, vm attach types to it, vm wait waits for its end");
    checkpoints.add_to(verb);
    verb.add_option("--trace", trace_channels, "Tell on stderr what these parts do: heap,leases,…")
        ->type_name("LIST");
}

Result<process::Execution> ExecutionOptions::parse(const Invocation& invocation) const {
    TRY(trace::open_channels(trace_channels));
    process::Execution execution;
    execution.store_location = TRY(store_location(invocation));
    execution.checkpoint_location = invocation.checkpoint_store;
    execution.engine = TRY(vm::parse_engine(engine));
    execution.jit_threads = jit_threads;
    execution.names_code = names_code;
    if (!jit_dump.empty()) TRY(parse_dump(jit_dump, execution.compiler));
    execution.code_cache = TRY(code_cache.parse());
    // What is found is not compiled, and so would not be written.
    if (!jit_dump.empty()) execution.code_cache.bytes_max = 0;
    execution.heap_mechanism = TRY(heap::parse_mechanism(heap_mechanism));
    execution.cache_bytes = TRY(parse_cache(cache));
    if ((reincarnate_every != 0) + (expire_every != 0) + (suspend_after != 0) > 1) {
        return fail(ErrorCode::invalid_argument,
                    "--reincarnate-every, --expire-every and --suspend-after are not for one run");
    }
    execution.reincarnate_every = reincarnate_every;
    execution.expire_every = expire_every;
    execution.suspend_after = suspend_after;
    for (const std::string& text : lease_terms)
        TRY(parse_lease_term(text, execution.lease_terms));
    execution.stats_file = stats_file;
    execution.is_detached = is_detached;
    if (!timeout.empty()) execution.timeout_ns = TRY(parse_duration(timeout));
    TRY(checkpoints.apply_to(execution));
    return execution;
}

process::HostProcess host_of(const Invocation& invocation) {
    return {.clock = invocation.clock,
            .random = invocation.random,
            .report = print_warning,
            .tier_left = [&tier_left = invocation.tier_left](auto tier) {
                tier_left = std::move(tier);
            }};
}

int report(const Invocation& invocation, const process::Outcome& outcome) {
    const int exit_code = exit_code_of(outcome);
    if (invocation.json) {
        report_as_json(outcome, exit_code, invocation.clock);
    } else {
        report_to_people(invocation, outcome);
    }
    return exit_code;
}

}  // namespace sojourn::tools
