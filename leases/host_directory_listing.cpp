#include <cerrno>
#include <dirent.h>
#include <fcntl.h>

#include "leases/host_directory.hpp"

namespace sojourn::leases {

namespace {

struct CloseStream {
    void operator()(DIR* stream) const { ::closedir(stream); }
};

FileType file_type_of_entry(int directory, const dirent& entry) {
    if (entry.d_type != DT_UNKNOWN) return file_type_of(DTTOIF(entry.d_type));
    struct stat status {};
    if (::fstatat(directory, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return FileType::unknown;
    return file_type_of(status.st_mode);
}

}  // namespace

Answer<std::vector<DirectoryEntry>> HostDirectory::list() {
    UniqueFd readable(::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!readable.valid()) return errno_of_host(errno);
    const std::unique_ptr<DIR, CloseStream> stream(::fdopendir(readable.get()));
    if (stream == nullptr) return errno_of_host(errno);
    const int directory = readable.release();

    struct stat self {};
    if (::fstat(directory, &self) != 0) return errno_of_host(errno);
    std::vector<DirectoryEntry> listing;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(stream.get());
        if (entry == nullptr) break;
        if (listing.size() == kListedEntriesMax) return Errno::nomem;
        const bool is_parent = std::string_view(entry->d_name) == "..";
        listing.push_back({
            .name = entry->d_name,
            .inode = is_parent ? self.st_ino : entry->d_ino,  // what lies outside is not shown
            .type = file_type_of_entry(directory, *entry),
        });
    }
    if (errno != 0) return errno_of_host(errno);
    return listing;
}

Result<ByteVector> HostDirectory::capture() {
    ByteWriter writer;
    put(writer, state_.place);
    writer.put_sized(std::string_view(state_.guest_name));
    put_listing(writer);
    return writer.take();
}

Result<std::unique_ptr<Service>> HostDirectory::restore(Bytes state) {
    ByteReader reader(state, "the state of a directory lease");
    State restored;
    restored.place = TRY(get_place(reader));
    restored.guest_name = TRY(reader.get_string());
    if (restored.place.is_in_attic())
        return fail(ErrorCode::corrupt, "a saved directory lease names a removed file");
    std::unique_ptr<HostDirectory> directory(
        new HostDirectory(std::move(restored), UniqueFd(), nullptr));
    TRY(directory->get_listing(reader));
    TRY(reader.expect_end());
    return std::unique_ptr<Service>(std::move(directory));
}

}  // namespace sojourn::leases
