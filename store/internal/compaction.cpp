#include "store/internal/compaction.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/background_job.hpp"
#include "base/clock.hpp"
#include "base/fault_point.hpp"
#include "base/trace.hpp"
#include "store/internal/commit_numbers.hpp"
#include "store/internal/page_survey.hpp"
#include "store/internal/store_directory.hpp"
#include "store/internal/table_difference.hpp"

namespace sojourn::store {

namespace {

namespace fs = std::filesystem;

/// What was written meanwhile is brought over so many times before writers are kept waiting for the
/// rest.
constexpr int kRoundsMax = 3;
constexpr unsigned kCopyLookUs = 200;

/// The folder in which a copy is made: one compaction at a time holds it.
class CopyFolder {
public:
    static Result<CopyFolder> make(fs::path path) {
        if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
            return directory_error(errno, "make", path);
        }
        UniqueFd lock = open_directory(path);
        if (!lock.valid() || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
            return fail(ErrorCode::busy, "{} is being compacted already",
                        path.parent_path().native());
        }
        CopyFolder folder(std::move(path), std::move(lock));
        folder.clear();  // one that was killed may have left something
        return folder;
    }
    CopyFolder(CopyFolder&& other) noexcept = default;
    ~CopyFolder() {
        if (!lock_.valid()) return;
        clear();
        ::rmdir(path_.c_str());
    }

    [[nodiscard]] const fs::path& path() const { return path_; }
    [[nodiscard]] fs::path data_file() const { return path_ / "data.mdb"; }

private:
    CopyFolder(fs::path path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

    void clear() const {
        ::unlink(data_file().c_str());
        ::unlink((path_ / "lock.mdb").c_str());
    }

    fs::path path_;
    UniqueFd lock_;
};

std::uint64_t length_of(int file) {
    struct stat status {};
    return ::fstat(file, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

Result<void> expect_room(const fs::path& directory, std::uint64_t bytes) {
    struct statvfs space {};
    if (::statvfs(directory.c_str(), &space) != 0) return {};
    const std::uint64_t free = std::uint64_t{space.f_bavail} * space.f_frsize;
    if (free >= bytes) return {};
    return fail(ErrorCode::store_full,
                "compacting {} takes {} bytes beside it, and {} are free there; nothing was "
                "changed: free space, or export processes to another store",
                directory.native(), bytes, free);
}

/// What lies beside the trees of a damaged database may be all that can be brought back.
Result<void> expect_sound(const Environment& environment) {
    const PageSurvey survey = TRY(survey_pages(environment));
    if (survey.problems.empty()) return {};
    return fail(ErrorCode::corrupt, "{} is not compacted: {}; vm store verify tells all of it",
                environment.directory().native(), survey.problems.front());
}

class Compaction {
public:
    Compaction(const Environment& environment, CopyFolder folder,
               const std::function<void(std::uint64_t bytes)>& progress)
        : environment_(environment), folder_(std::move(folder)), progress_(progress) {}

    Result<void> run() {
        TRY(copy());
        TRY(open_copy());
        for (int round = 0; round < kRoundsMax && !copied_->is_newest(); ++round)
            TRY(catch_up());
        TRY(sync_copy());
        FAULT_POINT(store_compact_copied);
        return exclude([this] { return replace(); });
    }

    [[nodiscard]] std::uint64_t pause_us() const { return pause_us_; }

private:
    Result<void> exclude(const std::function<Result<void>()>& body) {
        return environment_.exclude_writers([&]() -> Result<void> {
            const std::uint64_t begun_ns = clock_.monotonic_ns();
            auto done = body();
            pause_us_ = std::max(pause_us_, (clock_.monotonic_ns() - begun_ns) / 1000);
            return done;
        });
    }

    Result<void> copy();
    void await_copy(const std::function<bool()>& is_enough);
    Result<void> open_copy();
    Result<void> catch_up();
    Result<void> sync_copy() const;
    Result<void> replace();

    const Environment& environment_;
    CopyFolder folder_;
    const std::function<void(std::uint64_t bytes)>& progress_;
    SystemClock clock_;
    std::uint64_t pause_us_ = 0;
    UniqueFd file_;  ///< the copy
    std::uint64_t length_ = 0;
    std::atomic<bool> is_copied_ = false;
    std::optional<ReadTransaction> copied_;  ///< the moment that the copy is of
    std::shared_ptr<Environment> copy_;
};

/// Until the copying ends, or `is_enough`.
void Compaction::await_copy(const std::function<bool()>& is_enough) {
    while (!is_copied_ && !is_enough()) {
        ::usleep(kCopyLookUs);
        const std::uint64_t length = length_of(file_.get());
        progress_(length - length_);
        length_ = length;
    }
}

/// LMDB chooses the commit that it copies: nobody writes until it has.
Result<void> Compaction::copy() {
    file_ = UniqueFd(::open(folder_.data_file().c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
                            S_IRUSR | S_IWUSR));
    if (!file_.valid()) return directory_error(errno, "write", folder_.data_file());
    BackgroundJob copying;
    const auto begun = exclude([&]() -> Result<void> {
        copied_.emplace(TRY(environment_.read()));
        TRY(copying.begin([this] {
            auto copied = environment_.copy_compacted(file_.get());
            is_copied_ = true;
            return copied;
        }));
        await_copy([this] { return length_ > 0; });
        return {};
    });
    if (!begun.ok()) return begun;
    await_copy([] { return false; });
    return copying.finish();
}

Result<void> Compaction::open_copy() {
    EnvironmentOptions options = environment_.options();
    options.create = false;
    options.sync = false;
    copy_ = TRY(Environment::open(folder_.path(), options));
    const PageSurvey survey = TRY(survey_pages(*copy_));
    if (survey.problems.empty()) return {};
    return fail(ErrorCode::io, "the copy of {} is not what was written; nothing was changed: {}",
                environment_.directory().native(), survey.problems.front());
}

Result<void> Compaction::catch_up() {
    auto newest = TRY(environment_.read());
    TRY(copy_->write(
        [&](WriteTransaction& transaction) { return carry_over(*copied_, newest, transaction); }));
    copied_.emplace(std::move(newest));
    return {};
}

Result<void> Compaction::sync_copy() const {
    if (!environment_.options().sync || ::fsync(file_.get()) == 0) return {};
    return fail_errno(errno, "cannot sync {}", folder_.data_file().native());
}

/// Requires: nobody writes.
Result<void> Compaction::replace() {
    if (!copied_->is_newest()) TRY(catch_up());
    const std::uint64_t number = copied_->commit_number();
    const std::size_t page_bytes = copy_->file().page_bytes();
    copied_.reset();
    copy_.reset();
    TRY(continue_commit_numbers(file_.get(), page_bytes, number));
    TRY(sync_copy());
    FAULT_POINT(store_compact_before_rename);
    const fs::path place = environment_.directory() / folder_.data_file().filename();
    if (::rename(folder_.data_file().c_str(), place.c_str()) != 0) {
        return directory_error(errno, "replace", place);
    }
    if (environment_.options().sync) TRY(sync_directory(environment_.directory()));
    FAULT_POINT(store_compact_after_rename);
    return {};
}

}  // namespace

Result<CompactionEstimate> estimate_compaction(const Environment& environment) {
    const Snapshot snapshot = TRY(newest_snapshot(environment));
    const std::uint64_t free = TRY(free_bytes(environment, snapshot.commit));
    const TableRecord& lists = snapshot.commit.free_pages;
    const std::uint64_t pages = plain(snapshot.commit.last_page) + 1 - lists.branch_pages -
                                lists.leaf_pages - lists.overflow_pages;
    const std::uint64_t bytes = pages * environment.file().page_bytes();
    return CompactionEstimate{environment.file().length(), bytes - std::min(bytes, free)};
}

Result<Compacted> compact(const Environment& environment, const CompactionEstimate& estimate,
                          const std::function<void(std::uint64_t bytes)>& progress) {
    CopyFolder folder = TRY(CopyFolder::make(environment.directory() / "compacted"));
    TRY(expect_room(environment.directory(), estimate.after_bytes));
    TRY(expect_sound(environment));
    Compaction compaction(environment, std::move(folder), progress);
    TRY(compaction.run());
    const Compacted compacted{estimate.before_bytes, environment.file().length(),
                              compaction.pause_us()};
    TRACE(store, "compacted", environment.directory().native(), compacted.before_bytes,
          compacted.after_bytes);
    return compacted;
}

}  // namespace sojourn::store
