#include "store/internal/commit_numbers.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.hpp"
#include "store/internal/database_page.hpp"
#include "store/internal/environment.hpp"

namespace sojourn::store {

namespace {

/// Of the commit number in a page that names a commit (LMDB's data format 1).
constexpr std::size_t kNumberOffset = 144;

Result<std::uint64_t> read_number(const UniqueFd& file, std::size_t page_offset) {
    std::uint64_t number = 0;
    const auto got = ::pread(file.get(), &number, sizeof number,
                             static_cast<off_t>(page_offset + kNumberOffset));
    if (got < 0) return fail_errno(errno, "cannot read the first pages of a database");
    // A file that ends before that is found damaged by whoever reads it next.
    return got == sizeof number ? number : 0;
}

/// Even commits are named by the first page, odd ones by the second.
bool follow_each_other(std::uint64_t even, std::uint64_t odd) {
    const bool is_new = even == 0 && odd == 0;
    return is_new || (even % 2 == 0 && (odd == even + 1 || odd + 1 == even));
}

}  // namespace

Result<CommitRecord> newest_commit(const DatabaseFile& file) {
    const auto even = file.commit_in(PageNumber{0});
    const auto odd = file.commit_in(PageNumber{1});
    if (!even.ok() && !odd.ok()) return even.error();
    if (!odd.ok()) return *even;
    if (!even.ok()) return *odd;
    return even->number > odd->number ? *even : *odd;
}

Result<void> check_commit_numbers(const std::filesystem::path& data_file, std::size_t page_bytes) {
    const UniqueFd file(::open(data_file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return fail_errno(errno, "cannot open {}", data_file.native());
    for (;;) {
        const std::uint64_t even = TRY(read_number(file, 0));
        const std::uint64_t odd = TRY(read_number(file, page_bytes));
        if (follow_each_other(even, odd)) return {};
        const bool was_changing = TRY(read_number(file, 0)) != even;
        if (was_changing) continue;
        return fail(ErrorCode::corrupt,
                    "the database {} is damaged: its last two commits are numbered {} and {}: {}",
                    data_file.native(), even, odd, kDamageRemedy);
    }
}

Result<void> continue_commit_numbers(int file, std::size_t page_bytes, std::uint64_t number) {
    CommitRecord commit = TRY(newest_commit(DatabaseFile(file, page_bytes)));
    // What it has noted as freed since then would be freed in its future.
    EXPECTS(commit.number <= number && number > 0, "a database goes on counting");
    for (const std::uint64_t each : {number - 1, number}) {
        commit.number = each;
        const auto place = static_cast<off_t>(each % kCommitPages * page_bytes + kPageHeaderBytes);
        if (::pwrite(file, &commit, sizeof commit, place) != sizeof commit) {
            return fail_errno(errno, "cannot write the first pages of a database");
        }
    }
    return {};
}

}  // namespace sojourn::store
