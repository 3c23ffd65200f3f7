#include "tools/vm/running_process.hpp"

#include "process/reference.hpp"
#include "process/remote.hpp"
#include "tools/vm/store_location.hpp"

namespace sojourn::tools {

namespace {

std::string remedy(const store::ProcessRecord& record) {
    const std::string name = process::display_name(record);
    if (record.head == store::kNoVersion) return "and it has no checkpoint";
    if (record.state == store::ProcessState::exited) {
        return fmt::format("vm log {} lists the checkpoints that vm resume {}@ID goes back to",
                           name, name);
    }
    return fmt::format("its newest checkpoint is {}; vm resume {} continues from there",
                       process::display_name(record, record.head), name);
}

}  // namespace

Result<RunningProcess> find_running(const Invocation& invocation, const std::string& name) {
    const auto store = TRY(open_store(invocation));
    RunningProcess running{TRY(process::find(*store, name)), store->run_directory(), {}};
    running.files = process::detached_files(*store, running.record);
    const auto observed = process::observe(running.run_directory, running.record);
    if (observed.state == process::ObservedState::running) return running;
    return fail(ErrorCode::invalid_argument, "process '{}' is not running, it is {}; {}",
                process::display_name(running.record), process::text_of(observed.state),
                remedy(running.record));
}

}  // namespace sojourn::tools
