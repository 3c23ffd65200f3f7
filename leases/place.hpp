#pragma once

#include <string>
#include <string_view>

#include "leases/service.hpp"

namespace sojourn::leases {

/// Where a file or directory is found again: a name below a directory that the user granted. Each
/// service has its own copy, so that it outlives the descriptor it was opened through.
struct Place {
    std::string grant;  ///< absolute, on the host
    std::string path;   ///< below it; empty: the granted directory itself
    bool is_read_only = false;

    /// The file at an absolute path, below the directory it lies in.
    static Place of_file(std::string_view path, bool is_read_only);

    [[nodiscard]] Place below(std::string_view relative) const;
    [[nodiscard]] std::string description() const;

    /// Follows a renaming of `from`, or of a directory on the way here, to `to`.
    void follow(const Place& from, const Place& to);
    /// The granted directory is called otherwise here.
    void relocate(const Relocation& relocation);

    [[nodiscard]] Grant directory_grant() const;
    /// For what lies here alone.
    [[nodiscard]] Grant file_grant() const;
};

void put(ByteWriter& writer, const Place& place);
Result<Place> get_place(ByteReader& reader);

/// Opens what is there now, without creating or following anything out of the grant.
Result<UniqueFd> open_place(const Place& place, int flags);

}  // namespace sojourn::leases
