#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/random.hpp"

/// Encryption and signatures of streams, in forms that other programs read too: a file of age,
/// version 1 (C2SP age.md), and a detached signature as `openssl dgst -sha256 -sign` makes it.
///
/// A library of its own that `vm` loads when a key is given: OpenSSL's ciphers cost every start of
/// the program that is linked with them.
namespace sojourn::seal {

/// Takes or gives the next bytes of a stream; from a source, 0 is the end.
using ByteSink = std::function<Result<void>(Bytes bytes)>;
using ByteSource = std::function<Result<std::size_t>(MutableBytes out)>;

struct SealOptions {
    /// Who can open it: each `age1…`, or a file that holds such lines or an X25519 key in PEM.
    /// None: it is not encrypted.
    std::vector<std::string> recipients;
    std::string
        signing_key;  ///< a private key in PEM, RSA or of an elliptic curve; empty: unsigned
};

/// What is written to it comes out at a sink, sealed.
class Sealer {
public:
    virtual ~Sealer() = default;
    virtual Result<void> write(Bytes bytes) = 0;
    /// Lets out the end, and returns the signature of all that came out; empty without a key.
    virtual Result<ByteVector> finish() = 0;
};

struct OpenOptions {
    /// Files with `AGE-SECRET-KEY-1…` lines or an X25519 key in PEM. None: it is not encrypted.
    std::vector<std::string> identities;
    std::string signer;     ///< a public key in PEM; empty: whoever it was
    std::string signature;  ///< the file that holds the signature; only with a signer
};

/// Gives what is sealed in a source. Each byte of an encrypted one is authentic when it is given;
/// who signed it is known with its end, which read() tells only then.
class Opener {
public:
    virtual ~Opener() = default;
    /// As a ByteSource. Errors: corrupt for what was changed or cut, permission_denied for
    /// another's recipient or signature, those of the source.
    virtual Result<std::size_t> read(MutableBytes out) = 0;
};

/// The library's two ways in. Errors: those of the files; invalid_argument for what is no such key.
struct Library {
    Result<std::unique_ptr<Sealer>> (*make_sealer)(const SealOptions& options, ByteSink sink,
                                                   Random& random);
    Result<std::unique_ptr<Opener>> (*make_opener)(const OpenOptions& options, ByteSource source);
};

/// How an encrypted stream begins.
inline constexpr std::string_view kEncryptedMagic = "age-encryption.org/v1\n";

}  // namespace sojourn::seal

/// The one symbol that is looked up in it.
extern "C" [[gnu::visibility("default")]] const sojourn::seal::Library* sojourn_seal_library();
