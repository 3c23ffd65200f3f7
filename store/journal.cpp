#include "store/journal.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

#include "base/trace.hpp"
#include "store/internal/checksum.hpp"
#include "store/internal/store_directory.hpp"

namespace sojourn::store {

namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kMagic = 0x4c4a4a53;  // "SJJL"
constexpr std::uint32_t kFormat = 1;
constexpr std::string_view kSuffix = ".log";
constexpr std::size_t kNameDigits = 16;
/// A file that has become longer is followed by another one.
constexpr std::uint64_t kSegmentBytes = std::uint64_t{4} << 20U;
/// Further than damage can have hidden.
constexpr std::uint64_t kNumbersSkipped = std::uint64_t{1} << 32U;

struct SegmentHeader {
    std::uint32_t magic;
    std::uint32_t format;
    std::uint64_t first;
};
static_assert(sizeof(SegmentHeader) == 16);

struct RecordHeader {
    std::uint64_t checksum;  ///< of all behind it
    std::uint64_t number;
    std::uint32_t length;
    std::uint32_t reserved;
};
static_assert(sizeof(RecordHeader) == 24);
constexpr std::size_t kRecordChecksumBytes = sizeof(RecordHeader::checksum);

/// As much as there is.
Result<std::size_t> read_at(int file, MutableBytes out, std::uint64_t offset) {
    std::size_t done = 0;
    while (done < out.size()) {
        const ssize_t got =
            ::pread(file, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(errno, "cannot read a journal");
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

std::optional<RecordNumber> first_of(const fs::path& path) {
    const std::string name = path.filename().native();
    if (name.size() != kNameDigits + kSuffix.size() || !name.ends_with(kSuffix)) return {};
    std::uint64_t number = 0;
    const char* last = name.data() + kNameDigits;
    const auto [end, error] = std::from_chars(name.data(), last, number, 16);
    if (error != std::errc{} || end != last || number == 0) return {};
    return RecordNumber{number};
}

/// The record at the beginning of `bytes`, or nothing when they are none of that number.
std::optional<Bytes> record_in(Bytes bytes, std::uint64_t number) {
    RecordHeader header{};
    if (bytes.size() < sizeof(header)) return std::nullopt;
    std::memcpy(&header, bytes.data(), sizeof(header));
    const bool is_it = header.number == number && header.reserved == 0 &&
                       header.length <= kRecordBytesMax &&
                       header.length <= bytes.size() - sizeof(header);
    if (!is_it) return std::nullopt;
    const Bytes record = bytes.first(sizeof(header) + header.length);
    if (checksum_of(record.subspan(kRecordChecksumBytes)) != header.checksum) return std::nullopt;
    return record.subspan(sizeof(header));
}

/// Whether what lies behind `offset` is what a broken-off append leaves: a record that is cut
/// short, or nothing but zeros.
Result<bool> is_broken_off(int file, std::uint64_t offset, std::uint64_t size) {
    RecordHeader header{};
    const auto raw = std::as_writable_bytes(std::span(&header, 1));
    if (TRY(read_at(file, raw, offset)) < sizeof(header)) return true;
    if (size - offset > sizeof(header) + kRecordBytesMax) return false;
    if (header.length != 0 && size - offset <= sizeof(header) + header.length) return true;
    ByteVector rest(size - offset);
    TRY(read_at(file, rest, offset));
    return std::ranges::all_of(rest, [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(fs::path directory) {
    std::unique_ptr<Journal> journal(new Journal(std::move(directory)));
    TRY(journal->open_segments());
    if (!journal->segments_.empty()) {
        TRY(journal->find_end());
        return journal;
    }
    // Its file is made when there is something to write.
    Segment nothing;
    nothing.is_indexed = true;
    journal->segments_.push_back(std::move(nothing));
    return journal;
}

fs::path Journal::path_of(RecordNumber first) const {
    return directory_ / fmt::format("{:016x}{}", plain(first), kSuffix);
}

Result<void> Journal::open_segments() {
    std::error_code problem;
    for (fs::directory_iterator entry(directory_, problem), end; !problem && entry != end;
         entry.increment(problem)) {
        const auto first = first_of(entry->path());
        if (!first) continue;
        UniqueFd file(::open(entry->path().c_str(), O_RDWR | O_CLOEXEC));
        struct stat status {};
        if (!file.valid() || ::fstat(file.get(), &status) != 0)
            return fail_errno(errno, "cannot open {}", entry->path().native());
        // Its making was broken off before it held anything.
        if (status.st_size < static_cast<off_t>(sizeof(SegmentHeader))) continue;
        segments_.push_back({.first = *first,
                             .file = std::move(file),
                             .size_bytes = static_cast<std::uint64_t>(status.st_size),
                             .synced_bytes = 0,
                             .is_indexed = false,
                             .offsets = {}});
    }
    if (problem) return fail_errno(problem.value(), "cannot read {}", directory_.native());
    std::ranges::sort(segments_, {}, &Segment::first);
    return {};
}

Result<void> Journal::begin_segment(RecordNumber first) {
    const fs::path path = path_of(first);
    UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file.valid()) return fail_errno(errno, "cannot make {}", path.native());
    const SegmentHeader header{kMagic, kFormat, plain(first)};
    const auto written = write_all(file.get(), std::as_bytes(std::span(&header, 1)));
    if (!written.ok())
        return fail(written.error().code, "{}: {}", path.native(), written.error().message);
    if (!segments_.back().file.valid()) segments_.pop_back();
    segments_.push_back({.first = first,
                         .file = std::move(file),
                         .size_bytes = sizeof(header),
                         .synced_bytes = 0,
                         .is_indexed = true,
                         .offsets = {}});
    end_ = first;
    has_new_segment_ = true;
    return {};
}

Result<void> Journal::find_end() {
    Segment& last = segments_.back();
    TRY(index(last));
    end_ = RecordNumber{plain(last.first) + last.offsets.size()};
    const std::uint64_t whole_bytes = last.size_bytes;
    struct stat status {};
    if (::fstat(last.file.get(), &status) != 0) return fail_errno(errno, "cannot stat a journal");
    const auto there = static_cast<std::uint64_t>(status.st_size);
    if (whole_bytes == there) return {};
    if (whole_bytes == 0 || !TRY(is_broken_off(last.file.get(), whole_bytes, there))) {
        TRACE(store, "journal_damaged", directory_.native(), plain(end_));
        return begin_segment(RecordNumber{plain(end_) + kNumbersSkipped});
    }
    if (::ftruncate(last.file.get(), static_cast<off_t>(whole_bytes)) != 0)
        return fail_errno(errno, "cannot cut {}", path_of(last.first).native());
    return {};
}

/// Finds where the records begin, as far as they are whole.
Result<void> Journal::index(Segment& segment) const {
    if (segment.is_indexed) return {};
    ByteVector whole(segment.size_bytes);
    whole.resize(TRY(read_at(segment.file.get(), whole, 0)));
    SegmentHeader header{};
    if (whole.size() >= sizeof(header)) std::memcpy(&header, whole.data(), sizeof(header));
    if (header.magic != kMagic || header.first != plain(segment.first)) {
        segment.size_bytes = 0;  // none of its records is believed
        segment.is_indexed = true;
        return {};
    }
    if (header.format != kFormat)
        return fail(ErrorCode::unsupported_format, "{} has format {}, this build reads {}",
                    path_of(segment.first).native(), header.format, kFormat);
    std::uint64_t offset = sizeof(header);
    for (std::uint64_t number = header.first;; ++number) {
        const auto record = record_in(Bytes(whole).subspan(offset), number);
        if (!record) break;
        segment.offsets.push_back(offset);
        offset += sizeof(RecordHeader) + record->size();
    }
    segment.size_bytes = offset;
    segment.is_indexed = true;
    return {};
}

Result<RecordNumber> Journal::append(Bytes record) {
    EXPECTS(record.size() <= kRecordBytesMax, "a record has a bounded length");
    const bool has_room =
        segments_.back().file.valid() && segments_.back().size_bytes < kSegmentBytes;
    if (!has_room) TRY(begin_segment(end_));
    Segment& last = segments_.back();
    RecordHeader header{0, plain(end_), static_cast<std::uint32_t>(record.size()), 0};
    buffer_.resize(sizeof(header) + record.size());
    std::memcpy(buffer_.data(), &header, sizeof(header));
    std::ranges::copy(record, buffer_.begin() + sizeof(header));
    header.checksum = checksum_of(Bytes(buffer_).subspan(kRecordChecksumBytes));
    std::memcpy(buffer_.data(), &header.checksum, kRecordChecksumBytes);

    const ssize_t written = ::pwrite(last.file.get(), buffer_.data(), buffer_.size(),
                                     static_cast<off_t>(last.size_bytes));
    if (written != static_cast<ssize_t>(buffer_.size())) {
        const int problem = written < 0 ? errno : ENOSPC;
        // What cannot be cut off is written over by the next record, or found to be broken off.
        static_cast<void>(::ftruncate(last.file.get(), static_cast<off_t>(last.size_bytes)));
        return fail_errno(problem, "cannot append to {}", path_of(last.first).native());
    }
    last.offsets.push_back(last.size_bytes);
    last.size_bytes += buffer_.size();
    const RecordNumber number = end_;
    end_ = RecordNumber{plain(end_) + 1};
    return number;
}

Result<void> Journal::sync() {
    for (Segment& segment : segments_) {
        if (segment.synced_bytes == segment.size_bytes) continue;
        if (::fdatasync(segment.file.get()) != 0)
            return fail_errno(errno, "cannot sync {}", path_of(segment.first).native());
        segment.synced_bytes = segment.size_bytes;
    }
    if (has_new_segment_) TRY(sync_directory(directory_));
    has_new_segment_ = false;
    return {};
}

Result<ByteVector> Journal::read(RecordNumber number) {
    const auto behind = std::ranges::upper_bound(segments_, number, {}, &Segment::first);
    if (behind == segments_.begin() || number >= end_)
        return fail(ErrorCode::not_found, "{} has no record {} any more", directory_.native(),
                    plain(number));
    Segment& segment = *std::prev(behind);
    TRY(index(segment));
    const std::uint64_t at = plain(number) - plain(segment.first);
    if (at < segment.offsets.size()) {
        const std::uint64_t begin = segment.offsets[at];
        const bool is_last = at + 1 == segment.offsets.size();
        ByteVector bytes((is_last ? segment.size_bytes : segment.offsets[at + 1]) - begin);
        bytes.resize(TRY(read_at(segment.file.get(), bytes, begin)));
        if (const auto record = record_in(bytes, plain(number)))
            return ByteVector(record->begin(), record->end());
    }
    return fail(ErrorCode::corrupt, "{} is damaged at record {}", path_of(segment.first).native(),
                plain(number));
}

Result<void> Journal::drop_before(RecordNumber number) {
    while (segments_.size() > 1 && segments_[1].first <= number) {
        const fs::path path = path_of(segments_.front().first);
        if (::unlink(path.c_str()) != 0 && errno != ENOENT)
            return fail_errno(errno, "cannot remove {}", path.native());
        segments_.erase(segments_.begin());
    }
    return {};
}

}  // namespace sojourn::store
