#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <malloc.h>

#include "base/fault_point.hpp"
#include "store/damage_guard.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/verbs.hpp"
#include "vm/exec/compiled_tier.hpp"

namespace sojourn::tools {

namespace {

/// They may stand before the verb as well as behind it.
void add_common_options(CLI::App& app, Invocation& invocation) {
    app.add_option("--store", invocation.store,
                   "Where processes are kept, else $SOJOURN_STORE, else the XDG data directory")
        ->type_name("DIR");
    app.add_flag("--json", invocation.json, "Answer with JSON");
}

struct Verb {
    std::string_view name;
    void (*add)(CLI::App& app, Invocation& invocation);
};

constexpr Verb kVerbs[] = {
    {"run", add_run},
    {"ps", add_ps},
    {"suspend", add_suspend},
    {"resume", add_resume},
    {"checkpoint", add_checkpoint},
    {"logs", add_logs},
    {"attach", add_attach},
    {"wait", add_wait},
    {"top", add_top},
    {"leases", add_leases},
    {"lease", add_lease},
    {"log", add_log},
    {"tag", add_tag},
    {"fork", add_fork},
    {"switch", add_switch},
    {"prune", add_prune},
    {"diff", add_diff},
    {"rm", add_rm},
    {"export", add_export},
    {"import", add_import},
    {"store", add_store},
    {"volume", add_volume},
    {"validate", add_validate},
    {"compile", add_compile},
    {"inspect", add_inspect},
    {"completion", add_completion},
};

/// Only the one whose name is typed first, as it is as a rule: the options of all of them take a
/// tenth of the time that a small program takes.
void add_verbs(CLI::App& app, Invocation& invocation, std::string_view typed) {
    const auto found = std::ranges::find(kVerbs, typed, &Verb::name);
    if (found != std::end(kVerbs)) return found->add(app, invocation);
    for (const Verb& verb : kVerbs)
        verb.add(app, invocation);
}

void add_own_examples(CLI::App& app) {
    give_examples(
        app,
        {{"vm run --dir data prog.wasm data/in.txt", "run a program that may use ./data"},
         {"vm run --name job prog.wasm", "run it as a process that stays"},
         {"vm run -d --name job prog.wasm", "the same in the background …"},
         {"vm logs -f job, vm attach job, vm wait job", "… watch it, type to it, wait for its end"},
         {"vm suspend job", "from another shell: store it, end its runner"},
         {"vm resume job", "go on where it stood"},
         {"vm checkpoint job -m 'before the merge'", "store its state while it runs"},
         {"vm export job -o job.image", "take it to another host …"},
         {"vm import job.image && vm resume job", "… and go on there"}},
        "vm help VERB tells the options of a verb; docs/vm.md is the reference.");
}

int fail_usage(const CLI::App& app, const std::string& what) {
    std::string verb;
    for (auto typed = app.get_subcommands(); !typed.empty();
         typed = typed.front()->get_subcommands()) {
        verb += " " + typed.front()->get_name();
    }
    print_error(fail(ErrorCode::invalid_argument, "{}; vm help{} lists what there is", what, verb));
    return kErrorExitCode;
}

/// The exit code, if that is all there is to do.
std::optional<int> parse(CLI::App& app, int argc, char** argv) {
    if (argc > 1 && *argv[1] != '-' && find_verb(app, argv[1]) == nullptr) {
        return fail_usage(app, fmt::format("no verb '{}'", argv[1]));
    }
    try {
        app.parse(argc, argv);
        return std::nullopt;
    } catch (const CLI::Success& asked_for) {
        return app.exit(asked_for);
    } catch (const CLI::ParseError& error) {
        return fail_usage(app, error.what());
    }
}

/// While a thread compiles, which nobody waits for: destructors would take from it what it uses.
[[noreturn]] void end_at_once(int exit_code) {
    std::fflush(nullptr);
    std::_Exit(exit_code);
}

int main_of(int argc, char** argv) {
    const SystemClock clock;
    SystemRandom random;
    std::unique_ptr<vm::CompiledTier> tier_left;
    Invocation invocation{.clock = clock,
                          .random = random,
                          .store = {},
                          .checkpoint_store = {},
                          .json = false,
                          .tier_left = tier_left,
                          .perform = {}};
    CLI::App app("A WebAssembly virtual machine whose processes outlive the host they run on",
                 "vm");
    app.set_version_flag("--version", "vm " SOJOURN_VERSION);
    app.require_subcommand(1);
    add_common_options(app, invocation);
    add_verbs(app, invocation, argc > 1 ? argv[1] : "");
    add_complete(app, invocation);  // which, as the help does, tells of whatever verbs there are
    add_help(app, invocation);
    add_own_examples(app);  // last: a verb takes over what its parent has
    if (const auto done = parse(app, argc, argv)) return *done;

    store::end_process_on_damage("vm: error: ", kErrorExitCode);
    const auto armed = fault::arm_from_environment();
    const auto performed = armed.ok() ? invocation.perform() : Result<int>(armed.error());
    if (!performed.ok()) print_error(performed.error());
    const int exit_code = performed.ok() ? *performed : kErrorExitCode;
    if (tier_left && tier_left->is_busy()) end_at_once(exit_code);
    return exit_code;
}

}  // namespace

CLI::App* add_verb(CLI::App& app, Invocation& invocation, const std::string& name,
                   const std::string& what) {
    CLI::App* verb = app.add_subcommand(name, what);
    add_common_options(*verb, invocation);
    return verb;
}

}  // namespace sojourn::tools

int main(int argc, char** argv) {
    // Many processes wait on one host: what none of them uses adds up.
    static_cast<void>(::mallopt(M_TOP_PAD, 16 << 10));
    return sojourn::tools::main_of(argc, argv);
}
