#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"

/// The file of an LMDB database (data format 1), read page by page as bytes that nobody vouches
/// for: LMDB itself believes what it maps.
namespace sojourn::store {

enum class PageNumber : std::uint64_t {};

constexpr std::uint64_t plain(PageNumber page) {
    return static_cast<std::uint64_t>(page);
}

/// Pages next to each other.
struct PageRun {
    PageNumber first{0};
    std::uint64_t count = 0;
};

inline constexpr PageNumber kNoPage{UINT64_MAX};
/// The first two pages name the last two commits.
inline constexpr std::uint64_t kCommitPages = 2;

/// A table as its database describes it.
struct TableRecord {
    std::uint32_t padding = 0;  ///< of the table of free pages: the bytes of a page
    std::uint16_t flags = 0;
    std::uint16_t depth = 0;
    std::uint64_t branch_pages = 0;
    std::uint64_t leaf_pages = 0;
    std::uint64_t overflow_pages = 0;
    std::uint64_t entries = 0;
    PageNumber root = kNoPage;
};
static_assert(sizeof(TableRecord) == 48);

/// What a commit consists of.
struct CommitRecord {
    std::uint32_t magic = 0;
    std::uint32_t version = 0;
    std::uint64_t address = 0;
    std::uint64_t map_bytes = 0;
    TableRecord free_pages;
    TableRecord tables;  ///< name ► TableRecord
    PageNumber last_page{0};
    std::uint64_t number = 0;
};
static_assert(sizeof(CommitRecord) == 136);

/// Where a value lies: in its entry, or in pages of its own.
struct StoredValue {
    Bytes in_entry;
    std::optional<PageRun> pages;
    std::uint64_t bytes = 0;
};

/// Borrows the file. Errors: corrupt, io.
class DatabaseFile {
public:
    DatabaseFile(int file, std::size_t page_bytes) : file_(file), page_bytes_(page_bytes) {}

    [[nodiscard]] std::size_t page_bytes() const { return page_bytes_; }
    /// In bytes, with what it has behind the last page; 0 when it can't be asked.
    [[nodiscard]] std::uint64_t length() const;

    /// What page `page`, one of the first two, has. Errors: corrupt when it names no commit.
    [[nodiscard]] Result<CommitRecord> commit_in(PageNumber page) const;
    /// The one that commit `number` wrote, if it is there still. One that is being written at the
    /// moment may come back torn.
    [[nodiscard]] Result<std::optional<CommitRecord>> commit(std::uint64_t number) const;
    /// Lets the disk begin with a page that will be read soon: of many, it reads several at once.
    void announce(PageNumber page) const;
    /// Fills `out` from the beginning of a page; it may be longer or shorter than one.
    [[nodiscard]] Result<void> read(PageNumber page, MutableBytes out,
                                    std::size_t offset = 0) const;
    /// Requires: somebody has seen that its pages are there. At most 4 GiB.
    [[nodiscard]] Result<ByteVector> read_value(const StoredValue& value) const;

private:
    int file_;
    std::size_t page_bytes_;
};

}  // namespace sojourn::store
