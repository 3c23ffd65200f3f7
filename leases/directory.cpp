#include "leases/directory.hpp"

#include <algorithm>

namespace sojourn::leases {

Answer<std::span<const DirectoryEntry>> Directory::entries_from(std::uint64_t index) {
    if (index == 0 || !is_listing_) {
        end_listing();
        auto listed = list();
        if (!listed.ok()) return listed.error();
        listing_ = std::move(*listed);
        std::ranges::sort(listing_, {}, &DirectoryEntry::name);
        is_listing_ = true;
    }
    const std::size_t first = std::min<std::uint64_t>(index, listing_.size());
    return std::span<const DirectoryEntry>(listing_).subspan(first);
}

void Directory::end_listing() {
    is_listing_ = false;
    listing_.clear();
}

void Directory::put_listing(ByteWriter& writer) const {
    writer.put(static_cast<std::uint8_t>(is_listing_));
    writer.put(static_cast<std::uint32_t>(listing_.size()));
    for (const DirectoryEntry& entry : listing_) {
        writer.put_sized(std::string_view(entry.name));
        writer.put(entry.inode);
        writer.put(static_cast<std::uint8_t>(entry.type));
    }
}

Result<void> Directory::get_listing(ByteReader& reader) {
    constexpr std::size_t kEntryBytesMin = 13;
    is_listing_ = TRY(reader.get<std::uint8_t>()) != 0;
    const auto count = TRY(reader.get_count(kEntryBytesMin));
    for (std::uint32_t i = 0; i < count; ++i) {
        DirectoryEntry entry;
        entry.name = TRY(reader.get_string());
        entry.inode = TRY(reader.get<std::uint64_t>());
        const auto type = TRY(reader.get<std::uint8_t>());
        if (type > static_cast<std::uint8_t>(FileType::symbolic_link))
            return fail(ErrorCode::corrupt, "a saved directory entry has type {}", type);
        entry.type = static_cast<FileType>(type);
        listing_.push_back(std::move(entry));
    }
    return {};
}

}  // namespace sojourn::leases
