#pragma once

#include "process/attachment.hpp"
#include "process/process.hpp"

/// What a process that is resumed gets back of the world, and its files of their moment.
namespace sojourn::process {

/// In the order in which a refusal leaves everything as it was: recipes are moved, grants are
/// checked, and what is not a file that will change is looked for; only then files are brought
/// back, looked at, and everything is had again. Keeps what was granted. Errors: those of
/// leases::Admission and leases::FileHistory, with the name of the process.
Result<void> obtain_leases(leases::LeaseManager& leases, const FileMoment& moment,
                           const ResumeOptions& options, store::Store& store,
                           const store::ProcessRecord& process);

/// What obtain_leases() would find; changes nothing but the recipes in `leases`. Files that the
/// history of the process is to bring back are available when they are as the process left them.
Result<void> examine_leases(leases::LeaseManager& leases, const FileMoment& moment,
                            const ResumeOptions& options, const store::Store& store,
                            Examination& examination);

}  // namespace sojourn::process
