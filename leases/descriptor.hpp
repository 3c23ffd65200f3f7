#pragma once

#include <cstdint>
#include <ctime>
#include <span>
#include <sys/stat.h>
#include <sys/uio.h>

#include "leases/service.hpp"

/// What a guest's descriptor can name. Numbers are those of wasi_snapshot_preview1.
namespace sojourn::leases {

enum class FileType : std::uint8_t {
    unknown = 0,
    block_device = 1,
    character_device = 2,  ///< of standard streams: a terminal, and nothing else
    directory = 3,
    regular_file = 4,
    socket_datagram = 5,
    socket_stream = 6,
    symbolic_link = 7,
};

FileType file_type_of(mode_t mode);

struct FileStatus {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    FileType type = FileType::unknown;
    std::uint64_t link_count = 0;
    std::uint64_t size_bytes = 0;
    std::uint64_t accessed_ns = 0;  ///< these three: realtime, since 1970
    std::uint64_t modified_ns = 0;
    std::uint64_t changed_ns = 0;
};

FileStatus file_status_of(const struct stat& status);

/// Descriptor flags, as a set of bits.
using DescriptorFlags = std::uint16_t;
inline constexpr DescriptorFlags kAppend = 1;
inline constexpr DescriptorFlags kDataSync = 2;
inline constexpr DescriptorFlags kNonBlocking = 4;
inline constexpr DescriptorFlags kReadSync = 8;
inline constexpr DescriptorFlags kSync = 16;
inline constexpr DescriptorFlags kDescriptorFlags = 31;

/// Access and modification time, as utimensat(2) takes them.
using Times = std::array<timespec, 2>;

enum class Whence : std::uint8_t { set = 0, current = 1, end = 2 };

/// A position that far from another. Errors: overflow; inval in front of the beginning.
Answer<std::uint64_t> position_from(std::uint64_t base, std::int64_t offset);

/// How a file is open, for people: `read`, `append` …
std::string_view text_of_access(bool reads, bool writes, DescriptorFlags flags);

/// Whether an operation may wait for the other side. Waiting ends with Errno::intr when the
/// interrupt is raised, and nothing has happened then.
enum class Waiting : std::uint8_t { allowed, forbidden };

/// Whether what is received can be received again.
enum class Receive : std::uint8_t { consume, peek };

/// Of a connection, as the guest sees it.
enum class Direction : std::uint8_t { in, out, both };

/// A service that a descriptor names. What a kind can't do answers an errno.
///
/// Buffers must be resident: their addresses go to system calls. Reads and writes may be short;
/// `again` says that only waiting would bring more.
class Descriptor : public Service {
public:
    virtual FileType type() const = 0;
    virtual DescriptorFlags flags() const { return 0; }
    virtual Errno set_flags(DescriptorFlags flags);
    virtual Answer<FileStatus> status() const = 0;
    virtual Errno set_size(std::uint64_t size_bytes);
    virtual Errno set_times(const Times& times);

    /// At the descriptor's own position, which moves.
    virtual Answer<std::size_t> read(std::span<const iovec> buffers, Waiting waiting);
    virtual Answer<std::size_t> write(std::span<const iovec> buffers, Waiting waiting);
    virtual Answer<std::uint64_t> seek(std::int64_t offset, Whence whence);

    virtual Answer<std::size_t> read_at(std::span<const iovec> buffers, std::uint64_t offset);
    virtual Answer<std::size_t> write_at(std::span<const iovec> buffers, std::uint64_t offset);

    /// These three are of sockets: everything else is notsock. What accept() answers is a socket.
    virtual Answer<std::unique_ptr<Descriptor>> accept(DescriptorFlags flags);
    virtual Answer<std::size_t> receive(std::span<const iovec> buffers, Receive how,
                                        Waiting waiting);
    virtual Errno shut_down(Direction direction);

    virtual Errno advise(std::uint64_t offset, std::uint64_t length, int advice);
    virtual Errno allocate(std::uint64_t offset, std::uint64_t length);
    virtual Errno sync();
    virtual Errno sync_data();

    /// For poll(2); -1: never has to be waited for.
    virtual int pollable_fd() const { return -1; }
    /// How much can be read without waiting.
    virtual std::uint64_t readable_bytes() const { return 0; }
};

}  // namespace sojourn::leases
