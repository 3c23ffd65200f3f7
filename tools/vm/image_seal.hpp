#pragma once

#include "store/image.hpp"
#include "tools/seal/seal.hpp"
#include "tools/vm/image_file.hpp"

namespace CLI {
class App;
}

/// Images that are encrypted or signed: the options of the verbs that write and read them.
namespace sojourn::tools {

/// How an image is to be written.
struct SealArguments {
    seal::SealOptions options;
    std::string signature_file;

    void add_to(CLI::App& verb);
};

/// What stands between an image and the file or stream that it goes to.
class SealedOutput {
public:
    /// `file` is the name that `output` was opened by. Borrows both references.
    static Result<std::unique_ptr<SealedOutput>> open(const SealArguments& arguments,
                                                      const std::string& file, ImageOutput& output,
                                                      Random& random);

    Result<void> write(Bytes bytes);
    /// Writes what stands at the end, and the file of the signature.
    Result<void> finish();

private:
    explicit SealedOutput(ImageOutput& output) : output_(output) {}

    ImageOutput& output_;
    std::unique_ptr<seal::Sealer> sealer_;  ///< nullptr: written as it is
    std::string signature_file_;            ///< empty: not signed
};

/// What an image is to be opened with.
struct OpenArguments {
    seal::OpenOptions options;

    void add_to(CLI::App& verb);
    /// The image in a source: what is read of a file called `file`. Errors: invalid_argument when
    /// it is encrypted and there is no key, or a key and it is not; those of seal::Library.
    Result<store::ByteSource> open(const std::string& file, store::ByteSource source) const;
};

}  // namespace sojourn::tools
