#include "store/internal/database_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/internal/database_page.hpp"

namespace sojourn::store {

namespace {

constexpr std::uint32_t kMagic = 0xbeefc0de;
constexpr std::uint32_t kDataVersion = 1;
constexpr std::uint64_t kPagesMax = std::uint64_t{1} << 44;  ///< longer than any file

}  // namespace

std::uint64_t DatabaseFile::length() const {
    struct stat status {};
    return ::fstat(file_, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

void DatabaseFile::announce(PageNumber page) const {
    if (plain(page) >= kPagesMax) return;
    const auto position = static_cast<off_t>(plain(page) * page_bytes_);
    ::posix_fadvise(file_, position, static_cast<off_t>(page_bytes_), POSIX_FADV_WILLNEED);
}

Result<void> DatabaseFile::read(PageNumber page, MutableBytes out, std::size_t offset) const {
    const Error behind_end =
        fail(ErrorCode::corrupt, "page {} lies behind the end of the file", plain(page));
    if (plain(page) >= kPagesMax) return behind_end;
    std::size_t done = 0;
    while (done < out.size()) {
        const auto position = static_cast<off_t>(plain(page) * page_bytes_ + offset + done);
        const ssize_t got = ::pread(file_, out.data() + done, out.size() - done, position);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(errno, "cannot read page {} of a database", plain(page));
        if (got == 0) return behind_end;
        done += static_cast<std::size_t>(got);
    }
    return {};
}

Result<CommitRecord> DatabaseFile::commit_in(PageNumber page) const {
    CommitRecord record;
    TRY(read(page, std::as_writable_bytes(std::span(&record, 1)), kPageHeaderBytes));
    const bool is_its_turn = record.number % kCommitPages == plain(page);
    if (record.magic == kMagic && record.version == kDataVersion && is_its_turn) return record;
    return fail(ErrorCode::corrupt, "page {} does not name a commit", plain(page));
}

Result<std::optional<CommitRecord>> DatabaseFile::commit(std::uint64_t number) const {
    const CommitRecord record = TRY(commit_in(PageNumber{number % kCommitPages}));
    return record.number == number ? std::optional(record) : std::nullopt;
}

Result<ByteVector> DatabaseFile::read_value(const StoredValue& value) const {
    if (!value.pages) return ByteVector(value.in_entry.begin(), value.in_entry.end());
    ByteVector bytes(value.bytes);
    TRY(read(value.pages->first, bytes, kPageHeaderBytes));
    return bytes;
}

}  // namespace sojourn::store
