#pragma once

#include <span>

#include "tools/seal/age_keys.hpp"
#include "tools/seal/byte_stream.hpp"

namespace sojourn::seal {

/// What the payload of one file is encrypted with, in a way.
using FileKey = Secret<16>;

/// How a file begins that each of the recipients can open. Requires: there is one.
Result<std::string> make_age_header(const FileKey& key, std::span<const Point> recipients,
                                    Random& random);

/// Reads the header of a file up to its payload, and finds the key that it has for one of us.
/// Errors: corrupt; unsupported_format for another version; permission_denied when it is for
/// others.
Result<FileKey> read_age_header(ByteStream& stream, std::span<const Identity> identities);

}  // namespace sojourn::seal
