#pragma once

#include "base/bytes.hpp"

/// Byte strings of any length as one value: compressed, checksummed, verified when read back.
namespace sojourn::store {

inline constexpr std::uint64_t kBlobBytesMax = std::uint64_t{1} << 30;

/// Requires: `raw` is at most kBlobBytesMax.
ByteVector encode_blob(Bytes raw);

/// Errors: corrupt, naming `subject`.
Result<ByteVector> decode_blob(Bytes value, std::string_view subject);

/// `record` followed by its checksum: the form of every small record.
ByteVector seal(Bytes record);

/// The record in front of a checksum that holds. Allocates nothing unless it fails.
/// Errors: corrupt, naming `subject`.
Result<Bytes> unseal(Bytes sealed, std::string_view subject);

}  // namespace sojourn::store
