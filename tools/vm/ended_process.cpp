#include "tools/vm/ended_process.hpp"

#include "process/reference.hpp"
#include "process/remote.hpp"
#include "tools/vm/store_location.hpp"

namespace sojourn::tools {

Result<int> exit_code_of_ended(const Invocation& invocation, store::ProcessId id) {
    const auto store = TRY(open_store(invocation));
    const auto record = TRY(process::find(*store, id.hex()));
    switch (process::observe(store->run_directory(), record).state) {
        case process::ObservedState::exited:
            return record.exit_code;
        case process::ObservedState::suspended:
        case process::ObservedState::running:
            return kSuspendedExitCode;
        case process::ObservedState::crashed:
            break;
    }
    const std::string name = process::display_name(record);
    if (record.head == store::kNoVersion) {
        return fail(ErrorCode::io,
                    "process '{}' has crashed before its first checkpoint; start it again: vm run "
                    "--name {} --replace …",
                    name, name);
    }
    return fail(ErrorCode::io, "process '{}' has crashed; vm resume {} goes on from {}", name, name,
                process::display_name(record, record.head));
}

}  // namespace sojourn::tools
