#include "leases/internal/left_files.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace sojourn::leases {

namespace {

constexpr std::uint64_t kRowsAllocated = 1024;
constexpr std::size_t kBytes = LeftFiles::kRows * sizeof(LeftFiles::Row);

}  // namespace

static_assert(sizeof(LeftFiles::Row) == 40);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

Result<LeftFiles> LeftFiles::open(const std::filesystem::path& path) {
    UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file.valid()) return fail_errno(errno, "cannot open {}", path.native());
    if (::ftruncate(file.get(), kBytes) != 0)
        return fail_errno(errno, "cannot make {}", path.native());
    void* mapped = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (mapped == MAP_FAILED) return fail_errno(errno, "cannot map {}", path.native());
    LeftFiles files(std::move(file), static_cast<Row*>(mapped));
    return files;
}

LeftFiles::LeftFiles(LeftFiles&& other) noexcept
    : file_(std::move(other.file_)),
      rows_(std::exchange(other.rows_, nullptr)),
      allocated_rows_(other.allocated_rows_),
      free_(std::move(other.free_)) {}

LeftFiles::~LeftFiles() {
    if (rows_ != nullptr) ::munmap(rows_, kBytes);
}

/// A page that the disk had no room for would end this host process when it is written.
Result<void> LeftFiles::allocate(std::uint64_t rows) {
    while (allocated_rows_ < rows) {
        const int problem =
            ::posix_fallocate(file_.get(), static_cast<off_t>(allocated_rows_ * sizeof(Row)),
                              kRowsAllocated * sizeof(Row));
        if (problem != 0) return fail_errno(problem, "cannot note how files are left");
        allocated_rows_ += kRowsAllocated;
    }
    return {};
}

Result<LeftFiles::Index> LeftFiles::take(FileIdentity identity) {
    if (free_.empty()) {
        const std::uint64_t next = used_rows_now();
        if (next == kRows) return fail(ErrorCode::busy, "too many files are being changed");
        TRY(allocate(next + 1));
        used_rows() = next + 1;
        free_.push_back(static_cast<Index>(next));
    }
    const Index index = free_.back();
    free_.pop_back();
    Row& row = rows_[index];
    row.device = identity.device;
    row.inode = identity.inode;
    begin(index);
    return index;
}

void LeftFiles::give_back(Index index) {
    rows_[index].state.store(State::free, std::memory_order_release);
    free_.push_back(index);
}

std::vector<LeftFiles::Index> LeftFiles::taken() const {
    std::vector<Index> result;
    for (Index index = 1; index < used_rows_now(); ++index) {
        if (rows_[index].state.load(std::memory_order_acquire) != State::free)
            result.push_back(index);
    }
    return result;
}

void LeftFiles::forget_all() {
    for (const Index index : taken())
        rows_[index].state.store(State::free, std::memory_order_release);
    if (used_rows() > 1) used_rows() = 1;
    free_.clear();
}

}  // namespace sojourn::leases
