#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "base/bytes.hpp"
#include "base/file.hpp"

namespace sojourn::store {

/// A record's number in a journal: from 1 on, one more each.
enum class RecordNumber : std::uint64_t {};

constexpr std::uint64_t plain(RecordNumber number) {
    return static_cast<std::uint64_t>(number);
}

/// The longest record.
inline constexpr std::size_t kRecordBytesMax = std::size_t{8} << 20U;

/// Numbered records in files that are only appended to (docs/formats/file_history.md). It knows
/// nothing of what they say.
///
/// A record that append() has returned survives the end of this host process, however it comes, and
/// after sync() a power cut too. One whose writing was broken off is gone as a whole. One writer
/// at a time, which the caller sees to; used by one thread.
class Journal {
public:
    /// Opens or makes the journal in `directory`, which is there. Where its end is damaged, it goes
    /// on with numbers that were never given, and what the damage hides is `corrupt` to read().
    static Result<std::unique_ptr<Journal>> open(std::filesystem::path directory);

    /// The oldest that is kept.
    [[nodiscard]] RecordNumber first() const { return segments_.front().first; }
    /// The number of the next record.
    [[nodiscard]] RecordNumber end() const { return end_; }

    /// Requires: the record is no longer than kRecordBytesMax. Errors: store_full, io; then there
    /// is nothing of it.
    Result<RecordNumber> append(Bytes record);
    Result<void> sync();

    /// Errors: not_found for one that was dropped or never written; corrupt.
    Result<ByteVector> read(RecordNumber number);

    /// Removes records older than `number`, in whole files, so that some stay for a while.
    Result<void> drop_before(RecordNumber number);

private:
    struct Segment {
        RecordNumber first{1};
        UniqueFd file;
        std::uint64_t size_bytes = 0;
        std::uint64_t synced_bytes = 0;
        bool is_indexed = false;
        std::vector<std::uint64_t> offsets;  ///< of its records, when indexed
    };

    explicit Journal(std::filesystem::path directory) : directory_(std::move(directory)) {}
    [[nodiscard]] std::filesystem::path path_of(RecordNumber first) const;
    Result<void> open_segments();
    Result<void> begin_segment(RecordNumber first);
    Result<void> find_end();
    Result<void> index(Segment& segment) const;

    std::filesystem::path directory_;
    std::vector<Segment> segments_;  ///< by number; the last one is appended to
    RecordNumber end_{1};
    bool has_new_segment_ = false;  ///< that the directory has not been synced with
    ByteVector buffer_;
};

}  // namespace sojourn::store
