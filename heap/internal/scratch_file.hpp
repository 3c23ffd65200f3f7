#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>

#include "base/file.hpp"
#include "heap/internal/mapping.hpp"

namespace sojourn::heap {

/// Where a unit lies in a ScratchFile.
enum class ScratchSlot : std::uint32_t {};
inline constexpr ScratchSlot kNoSlot{0};

/// A file of the runner's own, without a name, for units that left memory before a version has
/// them. It vanishes with the host process.
///
/// A slot is written once and read until its last owner has released it. Usable from any thread
/// and from the fault handler: nothing is allocated but the text of an error, and no guest memory
/// is touched while the lock is held.
class ScratchFile {
public:
    /// `directory` empty: $TMPDIR, else /tmp. Errors: of the host, naming the directory.
    static Result<std::shared_ptr<ScratchFile>> create(std::filesystem::path directory,
                                                       std::uint64_t unit_bytes);

    /// Into a slot that the caller owns. The first refusal is also said on stderr: who evicts can
    /// go on without. Errors: store_full, io.
    Result<ScratchSlot> write(Bytes unit);
    Result<void> read(ScratchSlot slot, MutableBytes out) const;

    /// One owner more; one fewer.
    void share(ScratchSlot slot);
    void release(ScratchSlot slot);

    /// How many slots have an owner.
    [[nodiscard]] std::uint64_t used_slots() const;

private:
    ScratchFile(UniqueFd file, std::filesystem::path directory, std::uint64_t unit_bytes,
                Mapping cells)
        : file_(std::move(file)),
          directory_(std::move(directory)),
          unit_bytes_(unit_bytes),
          cells_(std::move(cells)) {}

    Result<ScratchSlot> take_slot();
    Result<void> write_at(std::uint64_t offset, Bytes bytes) const;
    [[nodiscard]] std::uint32_t& cell(ScratchSlot slot) const;
    [[nodiscard]] std::uint64_t offset_of(ScratchSlot slot) const;

    const UniqueFd file_;
    const std::filesystem::path directory_;
    const std::uint64_t unit_bytes_;
    std::atomic<bool> reported_ = false;

    mutable std::mutex mutex_;
    /// Of a used slot the number of its owners, of a free one the next free slot.
    Mapping cells_;
    ScratchSlot first_free_ = kNoSlot;
    std::uint32_t slots_made_ = 0;
    std::uint64_t slots_used_ = 0;
};

}  // namespace sojourn::heap
