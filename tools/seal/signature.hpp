#pragma once

#include "tools/seal/crypto.hpp"

/// Detached signatures of a stream's SHA-256: ECDSA in DER, or RSA by PKCS #1 v1.5.
namespace sojourn::seal {

class StreamSigner {
public:
    /// `path` is that of SealOptions::signing_key.
    static Result<StreamSigner> open(const std::string& path);

    Result<void> add(Bytes bytes);
    Result<ByteVector> sign();

private:
    explicit StreamSigner(DigestPtr digest) : digest_(std::move(digest)) {}

    DigestPtr digest_;
};

class SignatureCheck {
public:
    /// The paths are those of OpenOptions::signer and OpenOptions::signature.
    static Result<SignatureCheck> open(const std::string& signer, const std::string& signature);

    Result<void> add(Bytes bytes);
    /// Errors: permission_denied when all that was added is not what was signed.
    Result<void> verify();

private:
    SignatureCheck(DigestPtr digest, ByteVector signature, std::string signer)
        : digest_(std::move(digest)),
          signature_(std::move(signature)),
          signer_(std::move(signer)) {}

    DigestPtr digest_;
    ByteVector signature_;
    std::string signer_;
};

}  // namespace sojourn::seal
