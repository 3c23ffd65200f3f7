#include <csignal>

#include "process/internal/host_support.hpp"
#include "process/process.hpp"
#include "process/runner.hpp"
#include "process/temporary_directory.hpp"

namespace sojourn::process {

namespace {

/// Makes room for a process of that name, or says why there is none.
Result<void> free_name(store::Store& store, const std::string& name, bool replace) {
    const auto taken = store.find_process(name);
    if (!taken.ok()) {
        return taken.error().code == ErrorCode::not_found ? Result<void>() : taken.error();
    }
    if (taken->name != name) return {};  // an id that begins like the name
    auto lock = RunnerLock::acquire(store.run_directory(), taken->id);
    if (!lock.ok() && lock.error().code != ErrorCode::busy) return lock.error();
    if (!lock.ok()) {
        return fail(ErrorCode::busy, "process '{}' is running: {}; vm suspend {} stops it", name,
                    lock.error().message, name);
    }
    if (!replace) {
        return fail(ErrorCode::already_exists,
                    "there is a process '{}'; vm resume {} continues it, --replace removes it with "
                    "its checkpoints",
                    name, name);
    }
    TRY(store.remove_process(taken->id));
    lock->remove();
    return {};
}

Result<Seat> take_new_seat(const std::string& location, const store::OpenOptions& open_options,
                           const RunOptions& options, const vm::Module& program, Random& random) {
    Seat seat;
    seat.location = location;
    seat.open_options = open_options;
    seat.store = TRY(store::Store::open(location, open_options, random));
    const bool is_named = !options.name.empty();
    if (is_named) TRY(free_name(*seat.store, options.name, options.replace));
    if (!seat.store->run_directory().empty()) {
        TRY(seat.store->put_module(program.bytes));
        static_cast<void>(program.digest());  // the first checkpoint's pause need not wait for it
    } else if (is_named) {
        return fail(ErrorCode::invalid_argument,
                    "a process in memory can't have a name, for nothing of it stays; leave out "
                    "--name or give another --store");
    }
    seat.record = TRY(seat.store->create_process({.name = options.name, .generation = 0}));
    if (is_named) {
        seat.lock = TRY(RunnerLock::acquire(seat.store->run_directory(), seat.record.id));
    }
    seat.family = TRY(seat.store->family(seat.record.family));
    seat.token = TRY(seat.family->acquire(seat.record.id, std::nullopt));
    TRY(seat.open_files());
    return seat;
}

Result<Outcome> run_named(const RunOptions& options, std::shared_ptr<const vm::Module> program,
                          const HostProcess& host) {
    auto runner = TRY(Runner::create(options.execution, host));
    auto seat = TRY(take_new_seat(options.execution.store_location,
                                  {.checkpoint_location = options.execution.checkpoint_location},
                                  options, *program, host.random));
    TRY(runner->listen(seat));
    const auto begun =
        runner->begin(std::move(seat), std::move(program), options.launch, options.machine);
    if (begun.ok()) return runner->run();
    runner->forget_process();
    return begun.error();
}

/// With reincarnation there must be something to be born from: a directory for the time of the run.
Result<Outcome> run_unnamed(const RunOptions& options, std::shared_ptr<const vm::Module> program,
                            const HostProcess& host) {
    std::unique_ptr<TemporaryDirectory> directory;
    std::unique_ptr<SignalWatch> signals;
    std::string location = "mem:";
    if (options.execution.reincarnate_every != 0) {
        directory = TRY(TemporaryDirectory::create());
        location = directory->path() / "store";
        signals = TRY(SignalWatch::start({SIGINT, SIGTERM, SIGHUP}, [&](int signal) {
            directory->remove();
            SignalWatch::die_of(signal);
        }));
    }
    auto runner = TRY(Runner::create(options.execution, host));
    auto seat = TRY(
        take_new_seat(location, {.create = true, .sync = false}, options, *program, host.random));
    TRY(runner->begin(std::move(seat), std::move(program), options.launch, options.machine));
    return runner->run();
}

}  // namespace

Result<Outcome> run(const RunOptions& options, const HostProcess& host) {
    if (!options.name.empty()) TRY(check_name(options.name));
    if (options.name.empty() && options.execution.suspend_after != 0) {
        return fail(ErrorCode::invalid_argument,
                    "--suspend-after is for a process that stays: give it a --name");
    }
    EXPECTS(!options.execution.is_detached || !options.name.empty(), "what is detached is kept");
    auto program = TRY(load_program(options.program, options.body_validation));
    TRY(check_host_supports(options.execution));
    return options.name.empty() ? run_unnamed(options, std::move(program), host)
                                : run_named(options, std::move(program), host);
}

}  // namespace sojourn::process
