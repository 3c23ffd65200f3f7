#pragma once

#include <string>
#include <vector>

#include "store/internal/database_file.hpp"
#include "store/internal/environment.hpp"

namespace sojourn::store {

/// What the pages of a database are used for, and what of it does not hold: LMDB reads the list of
/// free pages only when somebody writes, and would then write over pages that are in use.
struct PageSurvey {
    struct Table {
        std::string name;
        TableRecord record;

        [[nodiscard]] std::uint64_t pages() const {
            return record.branch_pages + record.leaf_pages + record.overflow_pages;
        }
    };

    std::vector<std::string> problems;  ///< one sentence each
    std::uint64_t page_bytes = 0;
    std::uint64_t pages = 0;  ///< of the file, but for what it has behind the last one
    std::uint64_t free_pages = 0;
    std::vector<Table> tables;  ///< by name
};

/// Looks at every page that `commit` reaches. Requires: nobody writes over them meanwhile.
/// Errors: io.
Result<PageSurvey> survey_pages(const DatabaseFile& file, const CommitRecord& commit);

/// A commit with its record, and what keeps its pages from being written over: while it lives,
/// writers let the file grow where they would use free pages.
struct Snapshot {
    ReadTransaction transaction;
    CommitRecord commit;
};
Result<Snapshot> newest_snapshot(const Environment& environment);

/// The bytes of the free pages alone, by their lists. Errors: corrupt, io.
Result<std::uint64_t> free_bytes(const Environment& environment);
/// Requires: a reading transaction keeps the pages of `commit`.
Result<std::uint64_t> free_bytes(const Environment& environment, const CommitRecord& commit);

/// Of the newest commit.
Result<PageSurvey> survey_pages(const Environment& environment);

}  // namespace sojourn::store
