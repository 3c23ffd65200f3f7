#include "tools/vm/image_seal.hpp"

#include <dlfcn.h>

#include <CLI/CLI.hpp>

#include "base/companion_file.hpp"

namespace sojourn::tools {

namespace {

constexpr const char* kLibraryFile = "sojourn-seal.so";

/// It stays until the end of this program.
Result<const seal::Library*> load_library() {
    const std::string path = TRY(companion_file(kLibraryFile));
    void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    void* symbol = handle == nullptr ? nullptr : ::dlsym(handle, "sojourn_seal_library");
    if (symbol == nullptr) {
        return fail(ErrorCode::unsupported, "cannot load what encrypts and signs images: {}",
                    ::dlerror());
    }
    return reinterpret_cast<decltype(&sojourn_seal_library)>(symbol)();
}

/// Where the signature of an image lies: beside it unless told.
Result<std::string> signature_beside(const std::string& file, const std::string& given) {
    if (!given.empty()) return given;
    if (file != "-") return file + ".sig";
    return fail(ErrorCode::invalid_argument,
                "a stream has no file beside it that could hold its signature: give --signature "
                "FILE");
}

/// Refuses what begins as an encrypted stream.
store::ByteSource in_the_clear(store::ByteSource source) {
    return [source = std::move(source),
            is_begun = false](MutableBytes out) mutable -> Result<std::size_t> {
        const auto got = source(out);
        const bool is_start = got.ok() && !std::exchange(is_begun, true);
        if (!is_start || *got == 0) return got;
        const std::string_view begin = as_text(Bytes(out).first(*got));
        if (!begin.starts_with(seal::kEncryptedMagic.substr(0, *got))) return got;
        return fail(ErrorCode::invalid_argument, "it is encrypted: --decrypt-with KEY opens it");
    };
}

}  // namespace

void SealArguments::add_to(CLI::App& verb) {
    verb.add_option("--encrypt-to", options.recipients,
                    "Encrypt it for the owner of a key, age1… or a file with such lines or an "
                    "X25519 public key in PEM; may be repeated")
        ->type_name("KEY")
        ->allow_extra_args(false);
    CLI::Option* sign =
        verb.add_option("--sign", options.signing_key,
                        "Sign what is written with a private key in PEM (RSA or elliptic curve)");
    sign->type_name("KEY");
    verb.add_option("--signature", signature_file,
                    "Where the signature goes; FILE.sig unless given")
        ->type_name("SIG")
        ->needs(sign);
}

Result<std::unique_ptr<SealedOutput>> SealedOutput::open(const SealArguments& arguments,
                                                         const std::string& file,
                                                         ImageOutput& output, Random& random) {
    auto sealed = std::unique_ptr<SealedOutput>(new SealedOutput(output));
    const bool is_signed = !arguments.options.signing_key.empty();
    if (!is_signed && arguments.options.recipients.empty()) return sealed;
    if (is_signed) sealed->signature_file_ = TRY(signature_beside(file, arguments.signature_file));
    const seal::Library* library = TRY(load_library());
    sealed->sealer_ = TRY(library->make_sealer(
        arguments.options, [&output](Bytes bytes) { return output.write(bytes); }, random));
    return sealed;
}

Result<void> SealedOutput::write(Bytes bytes) {
    return sealer_ ? sealer_->write(bytes) : output_.write(bytes);
}

Result<void> SealedOutput::finish() {
    if (!sealer_) return {};
    const ByteVector signature = TRY(sealer_->finish());
    if (!signature_file_.empty()) TRY(write_file(signature_file_, signature));
    return {};
}

void OpenArguments::add_to(CLI::App& verb) {
    verb.add_option("--decrypt-with", options.identities,
                    "Decrypt it with a key: a file with AGE-SECRET-KEY-1… or an X25519 private "
                    "key in PEM; may be repeated")
        ->type_name("KEY")
        ->allow_extra_args(false);
    CLI::Option* signer =
        verb.add_option("--signed-by", options.signer,
                        "Refuse it unless the owner of this public key (a file in PEM) signed it");
    signer->type_name("KEY");
    verb.add_option("--signature", options.signature,
                    "Where the signature is; FILE.sig unless given")
        ->type_name("SIG")
        ->needs(signer);
}

Result<store::ByteSource> OpenArguments::open(const std::string& file,
                                              store::ByteSource source) const {
    if (options.identities.empty()) source = in_the_clear(std::move(source));
    if (options.identities.empty() && options.signer.empty()) return source;
    seal::OpenOptions opening = options;
    if (!opening.signer.empty()) opening.signature = TRY(signature_beside(file, opening.signature));
    const seal::Library* library = TRY(load_library());
    const std::shared_ptr<seal::Opener> opener =
        TRY(library->make_opener(opening, std::move(source)));
    return store::ByteSource([opener](MutableBytes out) { return opener->read(out); });
}

}  // namespace sojourn::tools
