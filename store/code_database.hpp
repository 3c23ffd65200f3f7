#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace sojourn::store {

class Environment;

/// Compiled code beside the processes of a store: a cache, which nothing is lost with. Keys and
/// values are opaque here, and it is their owner who tells whether a value is sound. A database
/// that can't be read is thrown away and made anew.
///
/// Any number of host processes may have it open at once. Usable from any thread.
class CodeDatabase {
public:
    /// The one of the store at `location`, made when it is not there. Errors: not_found: there is
    /// no store; those of directories.
    static Result<std::unique_ptr<CodeDatabase>> open(const std::string& location);

    struct Found {
        ByteVector value;
        std::uint64_t used_at_s = 0;  ///< as write() was told; 0: never
    };
    Result<std::optional<Found>> find(Bytes key) const;
    /// All that begin so, in their order.
    Result<std::vector<ByteVector>> keys(Bytes prefix) const;

    struct Entry {
        ByteVector key;
        ByteVector value;
    };
    struct Changes {
        std::vector<Entry> entries;    ///< to be put in, in the place of what is there
        std::vector<ByteVector> used;  ///< keys of others that were used
        std::uint64_t now_s = 0;
        std::uint64_t bytes_max = 0;  ///< what was used least recently goes until it takes no more
    };
    /// One commit. Errors: store_full, io.
    Result<void> write(const Changes& changes);

    /// What all entries take.
    [[nodiscard]] Result<std::uint64_t> size_bytes() const;

private:
    explicit CodeDatabase(std::shared_ptr<Environment> environment)
        : environment_(std::move(environment)) {}

    std::shared_ptr<Environment> environment_;
};

}  // namespace sojourn::store
