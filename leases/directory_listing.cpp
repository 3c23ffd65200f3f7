#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>

#include "leases/directory.hpp"

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

Answer<std::span<const DirectoryEntry>> Directory::entries_from(std::uint64_t index) {
    if (index == 0 || !state_.is_listing) {
        if (const Errno error = list(); error != Errno::success) return error;
    }
    const std::size_t first = std::min<std::uint64_t>(index, state_.listing.size());
    return std::span<const DirectoryEntry>(state_.listing).subspan(first);
}

void Directory::end_listing() {
    state_.is_listing = false;
    state_.listing.clear();
}

Errno Directory::list() {
    end_listing();
    UniqueFd readable(::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!readable.valid()) return errno_of_host(errno);
    const std::unique_ptr<DIR, CloseStream> stream(::fdopendir(readable.get()));
    if (stream == nullptr) return errno_of_host(errno);
    const int directory = readable.release();

    struct stat self {};
    if (::fstat(directory, &self) != 0) return errno_of_host(errno);
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(stream.get());
        if (entry == nullptr) break;
        if (state_.listing.size() == kListedEntriesMax) {
            end_listing();
            return Errno::nomem;
        }
        const bool is_parent = std::string_view(entry->d_name) == "..";
        state_.listing.push_back({
            .name = entry->d_name,
            .inode = is_parent ? self.st_ino : entry->d_ino,  // what lies outside is not shown
            .type = file_type_of_entry(directory, *entry),
        });
    }
    if (errno != 0) return errno_of_host(errno);
    std::sort(state_.listing.begin(), state_.listing.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    state_.is_listing = true;
    return Errno::success;
}

Result<ByteVector> Directory::capture() {
    ByteWriter writer;
    put(writer, state_.place);
    writer.put_sized(std::string_view(state_.guest_name));
    writer.put(static_cast<std::uint8_t>(state_.is_listing));
    writer.put(static_cast<std::uint32_t>(state_.listing.size()));
    for (const DirectoryEntry& entry : state_.listing) {
        writer.put_sized(std::string_view(entry.name));
        writer.put(entry.inode);
        writer.put(static_cast<std::uint8_t>(entry.type));
    }
    return writer.take();
}

Result<std::unique_ptr<Service>> Directory::restore(Bytes state) {
    constexpr std::size_t kEntryBytesMin = 13;
    ByteReader reader(state, "the state of a directory lease");
    State restored;
    restored.place = TRY(get_place(reader));
    restored.guest_name = TRY(reader.get_string());
    restored.is_listing = TRY(reader.get<std::uint8_t>()) != 0;
    const auto count = TRY(reader.get_count(kEntryBytesMin));
    for (std::uint32_t i = 0; i < count; ++i) {
        DirectoryEntry entry;
        entry.name = TRY(reader.get_string());
        entry.inode = TRY(reader.get<std::uint64_t>());
        const auto type = TRY(reader.get<std::uint8_t>());
        if (type > static_cast<std::uint8_t>(FileType::symbolic_link))
            return fail(ErrorCode::corrupt, "a saved directory entry has type {}", type);
        entry.type = static_cast<FileType>(type);
        restored.listing.push_back(std::move(entry));
    }
    TRY(reader.expect_end());
    if (restored.place.is_in_attic())
        return fail(ErrorCode::corrupt, "a saved directory lease names a removed file");
    return std::unique_ptr<Service>(new Directory(std::move(restored), UniqueFd(), nullptr));
}

}  // namespace sojourn::leases
