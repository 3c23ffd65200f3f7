#pragma once

#include "leases/directory.hpp"
#include "leases/random.hpp"
#include "vm/host/internal/guest_memory.hpp"
#include "vm/host/internal/state.hpp"
#include "vm/host/internal/wasi_types.hpp"

namespace sojourn::vm {

/// The functions of wasi_snapshot_preview1, during one call.
///
/// Each does all of its work or none: whatever can be refused (descriptors, rights, addresses,
/// also those of results) is refused before anything happens. Errno::intr while the interrupt is
/// raised says that nothing happened and the call is to be made again.
class Wasi {
public:
    using Fd = std::uint32_t;
    using Address = std::uint64_t;
    using Size = std::uint64_t;
    using Flags = std::uint32_t;

    Wasi(Dispatcher::State& state, const GuestMemory& memory) : state_(state), memory_(memory) {}

    /// Set by a function that does not return to the guest.
    [[nodiscard]] const std::optional<HostOutcome>& ending() const { return ending_; }
    /// When the call began, on the guest's monotonic clock; the first time if it is made again.
    Answer<std::uint64_t> started_ns();

    Errno args_get(Address pointers, Address bytes);
    Errno args_sizes_get(Address count, Address bytes);
    Errno environ_get(Address pointers, Address bytes);
    Errno environ_sizes_get(Address count, Address bytes);
    Errno clock_res_get(std::uint32_t clock, Address resolution);
    Errno clock_time_get(std::uint32_t clock, std::uint64_t precision, Address time);
    Errno random_get(Address buffer, Size length);
    Errno proc_exit(std::uint32_t code);
    Errno proc_raise(std::uint32_t signal);
    Errno sched_yield();

    Errno fd_advise(Fd fd, std::uint64_t offset, std::uint64_t length, std::uint32_t advice);
    Errno fd_allocate(Fd fd, std::uint64_t offset, std::uint64_t length);
    Errno fd_close(Fd fd);
    Errno fd_datasync(Fd fd);
    Errno fd_fdstat_get(Fd fd, Address status);
    Errno fd_fdstat_set_flags(Fd fd, Flags flags);
    Errno fd_fdstat_set_rights(Fd fd, std::uint64_t rights, std::uint64_t rights_inheriting);
    Errno fd_filestat_get(Fd fd, Address status);
    Errno fd_filestat_set_size(Fd fd, std::uint64_t size_bytes);
    Errno fd_filestat_set_times(Fd fd, std::uint64_t accessed_ns, std::uint64_t modified_ns,
                                Flags which);
    Errno fd_pread(Fd fd, Address iovecs, Size count, std::uint64_t offset, Address read);
    Errno fd_prestat_get(Fd fd, Address prestat);
    Errno fd_prestat_dir_name(Fd fd, Address name, Size length);
    Errno fd_pwrite(Fd fd, Address iovecs, Size count, std::uint64_t offset, Address written);
    Errno fd_read(Fd fd, Address iovecs, Size count, Address read);
    Errno fd_readdir(Fd fd, Address buffer, Size length, std::uint64_t cookie, Address used);
    Errno fd_renumber(Fd fd, Fd to);
    Errno fd_seek(Fd fd, std::uint64_t offset, std::uint32_t whence, Address position);
    Errno fd_sync(Fd fd);
    Errno fd_tell(Fd fd, Address position);
    Errno fd_write(Fd fd, Address iovecs, Size count, Address written);

    Errno path_create_directory(Fd fd, Address path, Size length);
    Errno path_filestat_get(Fd fd, Flags lookup, Address path, Size length, Address status);
    Errno path_filestat_set_times(Fd fd, Flags lookup, Address path, Size length,
                                  std::uint64_t accessed_ns, std::uint64_t modified_ns,
                                  Flags which);
    Errno path_link(Fd fd, Flags lookup, Address path, Size length, Fd to, Address new_path,
                    Size new_length);
    Errno path_open(Fd fd, Flags lookup, Address path, Size length, Flags how, std::uint64_t rights,
                    std::uint64_t rights_inheriting, Flags flags, Address opened);
    Errno path_readlink(Fd fd, Address path, Size length, Address buffer, Size buffer_length,
                        Address used);
    Errno path_remove_directory(Fd fd, Address path, Size length);
    Errno path_rename(Fd fd, Address path, Size length, Fd to, Address new_path, Size new_length);
    Errno path_symlink(Address target, Size target_length, Fd fd, Address path, Size length);
    Errno path_unlink_file(Fd fd, Address path, Size length);

    Errno poll_oneoff(Address subscriptions, Address events, Size count, Address event_count);

    Errno sock_accept(Fd fd, Flags flags, Address accepted);
    Errno sock_recv(Fd fd, Address iovecs, Size count, Flags flags, Address read, Address out);
    Errno sock_send(Fd fd, Address iovecs, Size count, Flags flags, Address written);
    Errno sock_shutdown(Fd fd, Flags how);

private:
    friend class PollOneoff;

    Answer<DescriptorEntry*> entry(Fd fd, std::uint64_t rights);
    Answer<leases::Descriptor*> descriptor(Fd fd, std::uint64_t rights);
    Answer<leases::Descriptor*> seekable(Fd fd, std::uint64_t rights);
    Answer<leases::Directory*> directory(Fd fd, std::uint64_t rights);
    [[nodiscard]] bool can_open_more() const {
        return state_.descriptors.size() < state_.leases.host().descriptors_max;
    }
    Answer<leases::ClockService*> clock();

    struct DirectoryAndPath {
        leases::Directory* directory = nullptr;
        std::string path;
    };
    Answer<DirectoryAndPath> resolve(Fd fd, std::uint64_t rights, Address path, Size length);
    void hold_what_is_at(const DirectoryAndPath& at);

    void bound_listings(const leases::Directory& newest);
    Errno put_strings(const std::vector<std::string>& strings, Address pointers, Address bytes);
    Errno put_sizes(const std::vector<std::string>& strings, Address count, Address bytes);
    Errno put_file_status(Address status, Answer<leases::FileStatus> answer);
    Answer<leases::Descriptor*> socket(Fd fd, std::uint64_t rights);

    /// Into the guest until what is there is delivered, into it until its buffers are full, or out
    /// of it.
    enum class Transfer : std::uint8_t { in, in_whole, out };
    template <typename Operation>
    Errno transfer(Address iovecs, Size count, Address transferred, Transfer kind,
                   const Operation& operation);

    Dispatcher::State& state_;
    GuestMemory memory_;
    std::optional<HostOutcome> ending_;
    std::optional<std::uint64_t> started_ns_;
};

/// What path_filestat_set_times and fd_filestat_set_times ask for. Errors: inval.
Answer<leases::Times> times_of(std::uint64_t accessed_ns, std::uint64_t modified_ns,
                               std::uint32_t which);

}  // namespace sojourn::vm
