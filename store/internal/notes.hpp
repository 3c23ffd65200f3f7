#pragma once

#include <filesystem>
#include <mutex>

#include "base/file.hpp"
#include "store/types.hpp"

namespace sojourn::store {

/// A family's numbers that may be lost in a power cut, in a plain file that is never synced: an
/// unsynced LMDB commit could lose what synced ones before it had kept.
///
/// 8 bytes a version: how long the checkpoint took to become durable. The place of version 0,
/// which is none, holds the last number that was given to a checkpoint. Usable from any thread
/// and by several host processes at once.
class Notes {
public:
    static Result<Notes> open(const std::filesystem::path& file);

    /// A number above `floor` that nobody else was or will be given while the host is up.
    Result<Version> next_version(Version floor);

    Result<void> set_durable_us(Version version, std::uint64_t durable_us);
    /// 0 when it is not known.
    [[nodiscard]] std::uint64_t durable_us(Version version) const;

private:
    Notes(std::filesystem::path path, UniqueFd file)
        : path_(std::move(path)), file_(std::move(file)) {}
    [[nodiscard]] std::uint64_t at(Version version) const;

    std::filesystem::path path_;
    UniqueFd file_;
    std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
};

}  // namespace sojourn::store
