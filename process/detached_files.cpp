#include "leases/file_history.hpp"
#include "process/process.hpp"

namespace sojourn::process {

DetachedFiles detached_files(const store::Store& store, const store::ProcessRecord& process) {
    const auto directory = store.file_history_directory(process);
    if (directory.empty()) return {};
    return {.log = leases::FileHistory::log_path(directory), .runner = directory / "runner"};
}

}  // namespace sojourn::process
