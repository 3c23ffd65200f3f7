#pragma once

#include <optional>
#include <set>
#include <string>

#include "base/bytes.hpp"

namespace sojourn::leases {

/// Something of the host that its user lets a process reach, by name.
struct Grant {
    enum class Kind : std::uint32_t {
        directory = 1,  ///< and all that lies below it
        file = 2,       ///< or a device or pipe: what a standard stream may be
        address = 3,    ///< to listen on
    };
    Kind kind = Kind::directory;
    std::string name;  ///< an absolute path, or a numeric address
    bool is_read_only = false;

    auto operator<=>(const Grant&) const = default;
    /// For people: "the directory /srv/data (read-only)".
    [[nodiscard]] std::string description() const;
};

/// What the user of one host lets one process reach there. It is kept in the store of that host, by
/// process, and never comes out of a checkpoint or an image: what those say is only what the
/// process would like to reach.
class Grants {
public:
    void add(Grant grant) { all_.insert(std::move(grant)); }

    /// Whether exactly this was granted, for reading alone or as well for writing.
    [[nodiscard]] bool cover(const Grant& wanted) const;

    [[nodiscard]] bool empty() const { return all_.empty(); }
    [[nodiscard]] auto begin() const { return all_.begin(); }
    [[nodiscard]] auto end() const { return all_.end(); }
    bool operator==(const Grants&) const = default;

    /// As it is kept (docs/formats/leases.md). Decoding trusts nothing. Errors: corrupt,
    /// unsupported_format.
    [[nodiscard]] ByteVector encode() const;
    static Result<Grants> decode(Bytes bytes);

private:
    std::set<Grant> all_;
};

}  // namespace sojourn::leases
