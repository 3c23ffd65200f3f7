#include "leases/internal/change.hpp"

#include <array>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sojourn::leases {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/// Behind the kind.
struct ChangeHeader {
    std::uint8_t keeps_target;
    std::uint8_t is_uncertain;
    std::uint8_t has_place;
    std::uint8_t has_target;
    std::uint32_t mode;
    std::uint64_t undoes;
    std::uint64_t device;
    std::uint64_t inode;
    std::uint64_t length;
    std::int64_t modified_ns;
    std::uint64_t offset;
};
static_assert(sizeof(ChangeHeader) == 56);
static_assert(std::has_unique_object_representations_v<ChangeHeader>);

/// A file handle has the inode's number and generation, which is new whenever the number is used
/// again. nullopt: its file system has none.
std::optional<std::uint64_t> generation_of(int directory, const std::string& name) {
    alignas(file_handle) std::array<std::byte, sizeof(file_handle) + MAX_HANDLE_SZ> room{};
    auto* const handle = reinterpret_cast<file_handle*>(room.data());
    int mount = 0;
    handle->handle_bytes = MAX_HANDLE_SZ;
    if (::name_to_handle_at(directory, name.c_str(), handle, &mount, AT_EMPTY_PATH) != 0)
        return std::nullopt;
    return XXH3_64bits(handle->f_handle, handle->handle_bytes);
}

/// A place that a kind has no use for is empty.
bool is_used(const Place& place) {
    return !place.path.empty() || !place.grant.empty();
}

}  // namespace

std::optional<HostStatus> host_status_of(int directory, const std::string& name) {
    struct statx found {};
    if (::statx(directory, name.c_str(), AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW,
                STATX_BASIC_STATS | STATX_BTIME, &found) != 0)
        return std::nullopt;
    const auto nanoseconds = [](const statx_timestamp& time) {
        return time.tv_sec * kSecond + time.tv_nsec;
    };
    return HostStatus{
        .device = ::makedev(found.stx_dev_major, found.stx_dev_minor),
        .inode = found.stx_ino,
        .generation = generation_of(directory, name)
                          .value_or(static_cast<std::uint64_t>(nanoseconds(found.stx_btime))),
        .mode = found.stx_mode,
        .link_count = found.stx_nlink,
        .length = found.stx_size,
        .modified_ns = nanoseconds(found.stx_mtime)};
}

std::int64_t nanoseconds_of(const timespec& time) {
    return time.tv_sec * kSecond + time.tv_nsec;
}

timespec timespec_of(std::int64_t nanoseconds) {
    std::int64_t seconds = nanoseconds / kSecond;
    std::int64_t rest = nanoseconds % kSecond;
    if (rest < 0) {
        --seconds;
        rest += kSecond;
    }
    return {.tv_sec = seconds, .tv_nsec = rest};
}

ByteVector encode(const Change& change) {
    ByteWriter writer;
    writer.put(change.kind);
    writer.put(ChangeHeader{.keeps_target = static_cast<std::uint8_t>(change.keeps_target),
                            .is_uncertain = static_cast<std::uint8_t>(change.is_uncertain),
                            .has_place = static_cast<std::uint8_t>(is_used(change.place)),
                            .has_target = static_cast<std::uint8_t>(is_used(change.target)),
                            .mode = change.mode,
                            .undoes = change.undoes,
                            .device = change.identity.device,
                            .inode = change.identity.inode,
                            .length = change.length,
                            .modified_ns = change.modified_ns,
                            .offset = change.offset});
    if (is_used(change.place)) put(writer, change.place);
    if (is_used(change.target)) put(writer, change.target);
    writer.put_sized(change.bytes);
    return writer.take();
}

Result<Change> decode_change(Bytes bytes) {
    ByteReader reader(bytes, "a change of a file");
    Change change;
    change.kind = TRY(reader.get<ChangeKind>());
    const auto header = TRY(reader.get<ChangeHeader>());
    change.undoes = header.undoes;
    change.keeps_target = header.keeps_target != 0;
    change.is_uncertain = header.is_uncertain != 0;
    change.identity = {header.device, header.inode};
    change.length = header.length;
    change.modified_ns = header.modified_ns;
    change.offset = header.offset;
    change.mode = header.mode;
    if (header.has_place != 0) change.place = TRY(get_place(reader));
    if (header.has_target != 0) change.target = TRY(get_place(reader));
    const Bytes content = TRY(reader.get_sized());
    change.bytes.assign(content.begin(), content.end());
    TRY(reader.expect_end());
    const bool is_known =
        change.kind >= ChangeKind::content && change.kind <= ChangeKind::restarted;
    const bool fits_host = header.length <= INT64_MAX && header.offset <= INT64_MAX &&
                           content.size() <= INT64_MAX - header.offset;
    if (!is_known || !fits_host || header.keeps_target > 1 || header.is_uncertain > 1)
        return fail(ErrorCode::corrupt, "a saved change of a file contradicts itself");
    return change;
}

}  // namespace sojourn::leases
