#include "store/image.hpp"

namespace sojourn::store {

Result<ImageSummary> export_image(Store&, const ProcessRecord&, Version, std::span<const Sha256>,
                                  const ByteSink&) {
    return fail(ErrorCode::unsupported, "images are not written yet");
}

Result<ImageSummary> import_image(Store&, const ByteSource&, const std::string&) {
    return fail(ErrorCode::unsupported, "images are not read yet");
}

}  // namespace sojourn::store
