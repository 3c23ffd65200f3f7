#pragma once

#include <span>

#include "store/store.hpp"

/// What naming, creating and finding processes means in every kind of store.
namespace sojourn::store {

/// Errors: invalid_argument: too long, a control character, or one of `@/:`, which other parts of
/// a command line need.
Result<void> check_name(const std::string& name);

Error name_taken(const std::string& name);

/// The record of a process in state `created`, with new ids.
ProcessRecord make_process_record(const NewProcess& process, Random& random);
/// The record of one that joins a family.
ProcessRecord make_copy_record(const NewProcess& copy, FamilyId family, Random& random);

/// A process as the catalogue knows it.
struct ListedProcess {
    ProcessId id;
    FamilyId family;
    std::string name;
};

/// By name, else by id or an unambiguous prefix of at least 4 digits.
/// Errors: not_found, which says whether several match.
Result<ListedProcess> select_process(std::span<const ListedProcess> processes,
                                     const std::string& name_or_id);

void sort_by_age(std::vector<ProcessRecord>& processes);

}  // namespace sojourn::store
