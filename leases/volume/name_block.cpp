#include "leases/volume/internal/name_block.hpp"

#include <algorithm>
#include <cstring>

#include "base/check.hpp"

namespace sojourn::leases::volume {

bool is_name(std::string_view name) {
    constexpr std::string_view kNever("/\0", 2);
    return !name.empty() && name.size() <= kNameBytesMax && name != "." && name != ".." &&
           name.find_first_of(kNever) == std::string_view::npos;
}

std::optional<NameBlock> NameBlock::of(Bytes bytes) {
    EXPECTS(bytes.size() == kBlockBytes, "a block is read whole");
    NameBlock block;
    std::ranges::copy(bytes, block.bytes_.begin());
    return block.is_sound() ? std::optional(block) : std::nullopt;
}

/// Records fill the used part exactly, and each says what can be.
bool NameBlock::is_sound() const {
    if (header().used_bytes > kNameBlockBytes || header().has_overflowed > 1) return false;
    std::uint64_t offset = sizeof(NameBlockHeader);
    while (offset < end()) {
        if (end() - offset < kNameRecordBytes) return false;
        const auto name_length = static_cast<std::uint8_t>(bytes_[offset + 5]);
        if (end() - offset - kNameRecordBytes < name_length) return false;
        const Record record = record_at(offset);
        const bool has_type = record.type == InodeType::file ||
                              record.type == InodeType::directory || record.type == InodeType::link;
        if (!has_type || !is_name(record.name)) return false;
        offset += record.size_bytes();
    }
    return true;
}

NameBlockHeader NameBlock::header() const {
    NameBlockHeader header;
    std::memcpy(&header, bytes_.data(), sizeof(header));
    return header;
}

void NameBlock::set_header(const NameBlockHeader& header) {
    std::memcpy(bytes_.data(), &header, sizeof(header));
}

NameBlock::Record NameBlock::record_at(std::uint64_t offset) const {
    Record record;
    record.offset = offset;
    std::memcpy(&record.inode, &bytes_[offset], sizeof(record.inode));
    record.type = static_cast<InodeType>(bytes_[offset + 4]);
    const auto length = static_cast<std::uint8_t>(bytes_[offset + 5]);
    record.name = as_text(Bytes(bytes_).subspan(offset + kNameRecordBytes, length));
    return record;
}

std::optional<NameBlock::Record> NameBlock::find(std::string_view name) const {
    std::optional<Record> found;
    for_each([&](const Record& record) {
        if (record.name == name) found = record;
        return !found;
    });
    return found;
}

bool NameBlock::has_room_for(std::string_view name) const {
    return header().used_bytes + kNameRecordBytes + name.size() <= kNameBlockBytes;
}

void NameBlock::put_record(std::uint64_t offset, std::size_t name_length, InodeIndex inode,
                           InodeType type) {
    std::memcpy(&bytes_[offset], &inode, sizeof(inode));
    bytes_[offset + 4] = static_cast<std::byte>(type);
    bytes_[offset + 5] = static_cast<std::byte>(name_length);
}

void NameBlock::add(std::string_view name, InodeIndex inode, InodeType type) {
    EXPECTS(has_room_for(name), "whoever adds a name asks for room");
    put_record(end(), name.size(), inode, type);
    std::memcpy(&bytes_[end() + kNameRecordBytes], name.data(), name.size());
    NameBlockHeader longer = header();
    longer.used_bytes =
        static_cast<std::uint16_t>(longer.used_bytes + kNameRecordBytes + name.size());
    set_header(longer);
}

void NameBlock::change(const Record& record, InodeIndex inode, InodeType type) {
    put_record(record.offset, record.name.size(), inode, type);
}

void NameBlock::remove(const Record& record) {
    const std::uint64_t size = record.size_bytes();
    const std::uint64_t behind = record.offset + size;
    std::memmove(&bytes_[record.offset], bytes_.data() + behind, end() - behind);
    std::fill_n(bytes_.data() + end() - size, size, std::byte{0});
    NameBlockHeader shorter = header();
    shorter.used_bytes = static_cast<std::uint16_t>(shorter.used_bytes - size);
    set_header(shorter);
}

void NameBlock::set_overflowed() {
    NameBlockHeader changed = header();
    changed.has_overflowed = 1;
    set_header(changed);
}

}  // namespace sojourn::leases::volume
