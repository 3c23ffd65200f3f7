#include "heap/internal/scratch_file.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

namespace sojourn::heap {

namespace {

constexpr std::uint32_t kSlotsMax = std::uint32_t{1} << 26U;  // 1 TiB in units of 16 KiB

std::filesystem::path usual_directory() {
    const char* chosen = std::getenv("TMPDIR");
    return chosen != nullptr && *chosen != '\0' ? chosen : "/tmp";
}

Result<UniqueFd> open_nameless(const std::filesystem::path& directory) {
    UniqueFd file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (file.valid()) return file;
    // Not every file system can make a file without a name.
    std::string path = directory / "sojourn-scratch-XXXXXX";
    file = UniqueFd(::mkostemp(path.data(), O_CLOEXEC));
    if (!file.valid()) {
        return fail_errno(errno, "cannot create a scratch file in {}", directory.native());
    }
    ::unlink(path.c_str());
    return file;
}

}  // namespace

Result<std::shared_ptr<ScratchFile>> ScratchFile::create(std::filesystem::path directory,
                                                         std::uint64_t unit_bytes) {
    if (directory.empty()) directory = usual_directory();
    UniqueFd file = TRY(open_nameless(directory));
    Mapping cells = TRY(Mapping::zeros(kSlotsMax * sizeof(std::uint32_t)));
    return std::shared_ptr<ScratchFile>(
        new ScratchFile(std::move(file), std::move(directory), unit_bytes, std::move(cells)));
}

Result<ScratchSlot> ScratchFile::write(Bytes unit) {
    EXPECTS(unit.size() == unit_bytes_, "a slot holds one unit");
    const ScratchSlot slot = TRY(take_slot());
    const Result<void> written = write_at(offset_of(slot), unit);
    if (written) return slot;
    release(slot);
    if (!reported_.exchange(true)) {
        const std::string line = fmt::format("sojourn: {}; memory grows beyond the cache instead\n",
                                             written.error().message);
        static_cast<void>(write_all(STDERR_FILENO, as_bytes(line)));
    }
    return written.error();
}

Result<void> ScratchFile::write_at(std::uint64_t offset, Bytes bytes) const {
    while (!bytes.empty()) {
        const ssize_t done =
            ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return fail_errno(errno, "cannot evict to {}", directory_.native());
        offset += static_cast<std::uint64_t>(done);
        bytes = bytes.subspan(static_cast<std::size_t>(done));
    }
    return {};
}

Result<void> ScratchFile::read(ScratchSlot slot, MutableBytes out) const {
    EXPECTS(out.size() == unit_bytes_, "a slot holds one unit");
    std::uint64_t offset = offset_of(slot);
    while (!out.empty()) {
        const ssize_t done =
            ::pread(file_.get(), out.data(), out.size(), static_cast<off_t>(offset));
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return fail_errno(errno, "cannot read back from {}", directory_.native());
        if (done == 0) return fail(ErrorCode::io, "the scratch file has become shorter");
        offset += static_cast<std::uint64_t>(done);
        out = out.subspan(static_cast<std::size_t>(done));
    }
    return {};
}

Result<ScratchSlot> ScratchFile::take_slot() {
    const std::lock_guard lock(mutex_);
    ScratchSlot slot = first_free_;
    if (slot != kNoSlot) {
        first_free_ = ScratchSlot{cell(slot)};
    } else if (slots_made_ + 1 < kSlotsMax) {
        slot = ScratchSlot{++slots_made_};
    } else {
        return fail(ErrorCode::store_full, "the scratch file has no slot left");
    }
    cell(slot) = 1;
    ++slots_used_;
    return slot;
}

void ScratchFile::share(ScratchSlot slot) {
    const std::lock_guard lock(mutex_);
    ++cell(slot);
}

void ScratchFile::release(ScratchSlot slot) {
    const std::lock_guard lock(mutex_);
    if (--cell(slot) > 0) return;
    cell(slot) = static_cast<std::uint32_t>(first_free_);
    first_free_ = slot;
    --slots_used_;
}

std::uint64_t ScratchFile::used_slots() const {
    const std::lock_guard lock(mutex_);
    return slots_used_;
}

std::uint32_t& ScratchFile::cell(ScratchSlot slot) const {
    return reinterpret_cast<std::uint32_t*>(cells_.base())[static_cast<std::uint32_t>(slot)];
}

std::uint64_t ScratchFile::offset_of(ScratchSlot slot) const {
    return (static_cast<std::uint64_t>(slot) - 1) * unit_bytes_;
}

}  // namespace sojourn::heap
