#include <array>
#include <fcntl.h>

#include "vm/host/internal/wasi.hpp"

/// What is asked of a descriptor itself.
namespace sojourn::vm {

using leases::Descriptor;
using leases::Directory;

namespace {

std::uint64_t with_implied(std::uint64_t rights) {
    return (rights & rights::kFdSeek) != 0 ? rights | rights::kFdTell : rights;
}

}  // namespace

Answer<DescriptorEntry*> Wasi::entry(Fd fd, std::uint64_t rights) {
    DescriptorEntry* found = state_.descriptors.find(fd);
    if (found == nullptr) return Errno::badf;
    if ((rights & ~with_implied(found->rights)) != 0) return Errno::notcapable;
    return found;
}

Answer<Descriptor*> Wasi::descriptor(Fd fd, std::uint64_t rights) {
    auto found = entry(fd, rights);
    if (!found.ok()) return found.error();
    auto service = state_.leases.use((*found)->lease);
    if (!service.ok()) return service.error();
    return static_cast<Descriptor*>(*service);
}

/// For what needs a position: a stream has none of the rights to it, and what a program expects to
/// hear is that it can't be seeked.
Answer<Descriptor*> Wasi::seekable(Fd fd, std::uint64_t rights) {
    auto service = descriptor(fd, rights);
    if (service.ok() || service.error() != Errno::notcapable) return service;
    auto any = descriptor(fd, rights::kNone);
    if (!any.ok()) return service;
    const bool is_stream =
        (*any)->kind() == leases::ServiceKind::stream || (*any)->pollable_fd() >= 0;
    return is_stream ? Answer<Descriptor*>(Errno::spipe) : service;
}

Answer<Directory*> Wasi::directory(Fd fd, std::uint64_t rights) {
    auto service = descriptor(fd, rights::kNone);
    if (!service.ok()) return service.error();
    if (!leases::is_directory((*service)->kind())) return Errno::notdir;
    if (auto found = entry(fd, rights); !found.ok()) return found.error();
    return static_cast<Directory*>(*service);
}

Answer<leases::ClockService*> Wasi::clock() {
    auto service = state_.leases.use(state_.clock);
    if (!service.ok()) return service.error();
    return static_cast<leases::ClockService*>(*service);
}

Errno Wasi::fd_advise(Fd fd, std::uint64_t offset, std::uint64_t length, std::uint32_t advice) {
    constexpr std::array kHostAdvice = {POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL,
                                        POSIX_FADV_RANDOM,   POSIX_FADV_WILLNEED,
                                        POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE};
    auto service = descriptor(fd, rights::kFdAdvise);
    if (!service.ok()) return service.error();
    if (advice >= kHostAdvice.size()) return Errno::inval;
    return (*service)->advise(offset, length, kHostAdvice[advice]);
}

Errno Wasi::fd_allocate(Fd fd, std::uint64_t offset, std::uint64_t length) {
    auto service = descriptor(fd, rights::kFdAllocate);
    if (!service.ok()) return service.error();
    return (*service)->allocate(offset, length);
}

Errno Wasi::fd_close(Fd fd) {
    auto found = entry(fd, rights::kNone);
    if (!found.ok()) return found.error();
    state_.leases.give_back((*found)->lease);
    state_.descriptors.erase(fd);
    return Errno::success;
}

Errno Wasi::fd_renumber(Fd fd, Fd to) {
    auto from = entry(fd, rights::kNone);
    if (!from.ok()) return from.error();
    auto target = entry(to, rights::kNone);
    if (!target.ok()) return target.error();
    if (fd == to) return Errno::success;
    state_.leases.give_back((*target)->lease);
    **target = **from;
    state_.descriptors.erase(fd);
    return Errno::success;
}

Errno Wasi::fd_sync(Fd fd) {
    auto service = descriptor(fd, rights::kFdSync);
    if (!service.ok()) return service.error();
    return (*service)->sync();
}

Errno Wasi::fd_datasync(Fd fd) {
    auto service = descriptor(fd, rights::kFdDatasync);
    if (!service.ok()) return service.error();
    return (*service)->sync_data();
}

Errno Wasi::fd_fdstat_get(Fd fd, Address status) {
    auto row = entry(fd, rights::kNone);
    if (!row.ok()) return row.error();
    auto service = descriptor(fd, rights::kNone);
    if (!service.ok()) return service.error();
    return memory_.write(status, GuestDescriptorStatus{
                                     .type = static_cast<std::uint8_t>((*service)->type()),
                                     .flags = (*service)->flags(),
                                     .rights = (*row)->rights,
                                     .rights_inheriting = (*row)->rights_inheriting,
                                 });
}

Errno Wasi::fd_fdstat_set_flags(Fd fd, Flags flags) {
    auto service = descriptor(fd, rights::kFdSetFlags);
    if (!service.ok()) return service.error();
    if (flags > leases::kDescriptorFlags) return Errno::inval;
    return (*service)->set_flags(static_cast<leases::DescriptorFlags>(flags));
}

Errno Wasi::fd_fdstat_set_rights(Fd fd, std::uint64_t rights, std::uint64_t rights_inheriting) {
    auto found = entry(fd, rights);
    if (!found.ok()) return found.error();
    if ((rights_inheriting & ~(*found)->rights_inheriting) != 0) return Errno::notcapable;
    (*found)->rights = rights;
    (*found)->rights_inheriting = rights_inheriting;
    return Errno::success;
}

Errno Wasi::put_file_status(Address address, Answer<leases::FileStatus> answer) {
    if (!answer.ok()) return answer.error();
    return memory_.write(address, GuestFileStatus{
                                      .device = answer->device,
                                      .inode = answer->inode,
                                      .type = static_cast<std::uint64_t>(answer->type),
                                      .link_count = answer->link_count,
                                      .size_bytes = answer->size_bytes,
                                      .accessed_ns = answer->accessed_ns,
                                      .modified_ns = answer->modified_ns,
                                      .changed_ns = answer->changed_ns,
                                  });
}

Errno Wasi::fd_filestat_get(Fd fd, Address status) {
    auto service = descriptor(fd, rights::kFdFilestatGet);
    if (!service.ok()) return service.error();
    return put_file_status(status, (*service)->status());
}

Errno Wasi::fd_filestat_set_size(Fd fd, std::uint64_t size_bytes) {
    auto service = descriptor(fd, rights::kFdFilestatSetSize);
    if (!service.ok()) return service.error();
    return (*service)->set_size(size_bytes);
}

Errno Wasi::fd_filestat_set_times(Fd fd, std::uint64_t accessed_ns, std::uint64_t modified_ns,
                                  Flags which) {
    auto service = descriptor(fd, rights::kFdFilestatSetTimes);
    if (!service.ok()) return service.error();
    auto times = times_of(accessed_ns, modified_ns, which);
    if (!times.ok()) return times.error();
    return (*service)->set_times(*times);
}

Errno Wasi::fd_prestat_get(Fd fd, Address prestat) {
    auto found = entry(fd, rights::kNone);
    if (!found.ok() || !(*found)->is_preopened) return Errno::badf;
    auto grant = directory(fd, rights::kNone);
    if (!grant.ok()) return grant.error();
    const std::uint64_t length = (*grant)->guest_name().size();
    if (memory_.is_64_bit()) return memory_.write(prestat, GuestPrestat64{.name_length = length});
    return memory_.write(prestat, GuestPrestat{.name_length = static_cast<std::uint32_t>(length)});
}

Errno Wasi::fd_prestat_dir_name(Fd fd, Address name, Size length) {
    auto found = entry(fd, rights::kNone);
    if (!found.ok() || !(*found)->is_preopened) return Errno::badf;
    auto grant = directory(fd, rights::kNone);
    if (!grant.ok()) return grant.error();
    const std::string& guest_name = (*grant)->guest_name();
    if (length < guest_name.size()) return Errno::nametoolong;
    return memory_.write_bytes(name, as_bytes(guest_name));
}

Answer<leases::Times> times_of(std::uint64_t accessed_ns, std::uint64_t modified_ns,
                               std::uint32_t which) {
    constexpr std::uint32_t kBothAccess = kTimesAccess | kTimesAccessNow;
    constexpr std::uint32_t kBothModify = kTimesModify | kTimesModifyNow;
    if (which > (kBothAccess | kBothModify)) return Errno::inval;
    if ((which & kBothAccess) == kBothAccess || (which & kBothModify) == kBothModify)
        return Errno::inval;
    const auto time_of = [which](std::uint64_t ns, std::uint32_t given, std::uint32_t now) {
        if ((which & now) != 0) return timespec{.tv_sec = 0, .tv_nsec = UTIME_NOW};
        if ((which & given) == 0) return timespec{.tv_sec = 0, .tv_nsec = UTIME_OMIT};
        return timespec{.tv_sec = static_cast<time_t>(ns / 1'000'000'000U),
                        .tv_nsec = static_cast<long>(ns % 1'000'000'000U)};
    };
    return leases::Times{time_of(accessed_ns, kTimesAccess, kTimesAccessNow),
                         time_of(modified_ns, kTimesModify, kTimesModifyNow)};
}

}  // namespace sojourn::vm
