#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "leases/volume/internal/layout.hpp"

namespace sojourn::leases::volume {

/// One block of a directory, in memory: a header, then records one behind the other.
class NameBlock {
public:
    /// Of a block that nobody vouches for; nullopt when it can't be one.
    static std::optional<NameBlock> of(Bytes block);
    NameBlock() = default;

    /// A record, as it lies in the block.
    struct Record {
        std::uint64_t offset = 0;  ///< in the block
        InodeIndex inode = kNoInode;
        InodeType type = InodeType::free;
        std::string_view name;

        [[nodiscard]] std::uint64_t size_bytes() const { return kNameRecordBytes + name.size(); }
    };

    /// Calls `visit` with each record, in order, until it answers false. Names are good until the
    /// next change.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (std::uint64_t offset = sizeof(NameBlockHeader); offset < end();) {
            const Record record = record_at(offset);
            if (!visit(record)) return;
            offset += record.size_bytes();
        }
    }
    [[nodiscard]] std::optional<Record> find(std::string_view name) const;

    [[nodiscard]] bool has_room_for(std::string_view name) const;
    /// Requires: has_room_for(name).
    void add(std::string_view name, InodeIndex inode, InodeType type);
    void change(const Record& record, InodeIndex inode, InodeType type);
    void remove(const Record& record);

    [[nodiscard]] bool has_overflowed() const { return header().has_overflowed != 0; }
    void set_overflowed();

    [[nodiscard]] Bytes bytes() const { return bytes_; }

private:
    [[nodiscard]] NameBlockHeader header() const;
    void set_header(const NameBlockHeader& header);
    [[nodiscard]] std::uint64_t end() const {
        return sizeof(NameBlockHeader) + header().used_bytes;
    }
    [[nodiscard]] Record record_at(std::uint64_t offset) const;
    [[nodiscard]] bool is_sound() const;
    void put_record(std::uint64_t offset, std::size_t name_length, InodeIndex inode,
                    InodeType type);

    std::array<std::byte, kBlockBytes> bytes_{};
};

/// 1 to 255 bytes, none of them `/` or NUL, and neither `.` nor `..`.
bool is_name(std::string_view name);

}  // namespace sojourn::leases::volume
