#include "store/image.hpp"

#include <catch2/catch.hpp>

#include "tests/contract/store_fixture.hpp"
#include "tests/support/image_bytes.hpp"

using namespace sojourn;
using namespace sojourn::store;
using sojourn::tests::into;
using sojourn::tests::out_of;

namespace {

/// A process with two checkpoints and a module, and the image of the second.
struct Exported {
    explicit Exported(const std::string& kind) : source(kind) {
        const auto token = source.acquire();
        source.publish(token, {encoded(0, 1), encoded(1, 2, true), encoded(7, 3)}, "old").value();
        checkpoint = source.publish(token, {encoded(0, 4)}, "machine state").value();
        module = source.store().put_module(as_bytes("a module")).value();
        summary = export_of(ImageContent{{checkpoint}, checkpoint, kNoVersion, {module}}, image);
    }

    ExportSummary export_of(const ImageContent& content, ByteVector& into_image) {
        return export_image(source.store(), source.process(), content, into(into_image)).value();
    }

    StoreFixture source;
    Version checkpoint = kNoVersion;
    Sha256 module;
    ByteVector image;
    ExportSummary summary;
};

struct Empty {
    Empty() : store(*Store::open("mem:", test_options(), random)) {}
    SystemRandom random;
    std::unique_ptr<Store> store;
};

}  // namespace

TEST_CASE("an imported process is what was exported, under a new id", "[image]") {
    Exported exported(any_kind());
    StoreFixture target(any_kind());

    const auto summary =
        import_image(target.store(), out_of(exported.image), {.name = "arrived"}).value();
    target.reopen();

    const auto process = target.store().find_process("arrived").value();
    REQUIRE(process.id == summary.process.id);
    REQUIRE(process.id != exported.source.process().id);
    REQUIRE(process.generation == exported.source.process().generation + 1);
    REQUIRE(process.state == ProcessState::suspended);
    REQUIRE(summary.image.units == 3);
    REQUIRE(summary.image.bytes == exported.image.size());
    REQUIRE(as_text(*target.store().module(exported.module)) == "a module");

    const auto family = target.store().family(process.family).value();
    REQUIRE(as_text(*family->read_attachment(process.head)) == "machine state");
    ByteVector out(kTestUnitBytes);
    const auto view = family->view_of(process.id).value();
    REQUIRE(*family->read_unit(view, {kRegion, UnitIndex{0}}, out) == UnitState::present);
    REQUIRE(out == unit_of(4));
    REQUIRE(*family->read_unit(view, {kRegion, UnitIndex{1}}, out) == UnitState::present);
    REQUIRE(out == unit_of(2, true));
    REQUIRE(family->verify()->empty());
}

TEST_CASE("an image brings its process's name", "[image]") {
    Exported exported("mem:");
    Empty target;

    REQUIRE(import_image(*target.store, out_of(exported.image), {}).ok());
    const auto again = import_image(*target.store, out_of(exported.image), {});

    REQUIRE(target.store->find_process("guest").ok());
    REQUIRE(again.error().code == ErrorCode::already_exists);
    REQUIRE(target.store->processes()->size() == 1);
}

TEST_CASE("an image cut anywhere leaves no trace", "[image]") {
    Exported exported("mem:");
    Empty target;

    for (std::size_t length = 0; length < exported.image.size(); ++length) {
        const auto result =
            import_image(*target.store, out_of(Bytes(exported.image).first(length)), {});
        REQUIRE_FALSE(result.ok());
    }

    REQUIRE(target.store->processes()->empty());
    REQUIRE_FALSE(target.store->module(exported.module).ok());
    REQUIRE(import_image(*target.store, out_of(exported.image), {}).ok());
}

TEST_CASE("an image with any byte changed leaves no trace", "[image]") {
    Exported exported("mem:");
    Empty target;

    for (std::size_t position = 0; position < exported.image.size(); ++position) {
        ByteVector image = exported.image;
        image[position] ^= static_cast<std::byte>(1U << (position % 8));
        INFO("byte " << position);
        REQUIRE_FALSE(import_image(*target.store, out_of(image), {}).ok());
    }

    REQUIRE(target.store->processes()->empty());
    REQUIRE_FALSE(target.store->module(exported.module).ok());
}

TEST_CASE("a broken image leaves no files behind", "[image]") {
    Exported exported("mem:");
    TemporaryDirectory directory;
    SystemRandom random;
    const auto store = Store::open(directory.path().native(), test_options(), random).value();

    const auto cut = Bytes(exported.image).first(exported.image.size() - 1);
    REQUIRE_FALSE(import_image(*store, out_of(cut), {}).ok());

    REQUIRE(std::filesystem::is_empty(directory.path() / "families"));
}

TEST_CASE("an image with something behind its end is refused", "[image]") {
    Exported exported("mem:");
    Empty target;
    exported.image.push_back(std::byte{0});

    REQUIRE(import_image(*target.store, out_of(exported.image), {}).error().code ==
            ErrorCode::corrupt);
}

TEST_CASE("an image of other units is refused with the remedy", "[image]") {
    Exported exported("mem:");
    SystemRandom random;
    const auto store = Store::open("mem:", {}, random).value();

    const auto error = import_image(*store, out_of(exported.image), {}).error();

    REQUIRE(error.code == ErrorCode::unsupported);
    REQUIRE(error.message.find("vm store init --unit 4K") != std::string::npos);
}

TEST_CASE("an export of a damaged or missing checkpoint names it", "[image]") {
    Exported exported("mem:");
    ByteVector image;

    const auto result = export_image(exported.source.store(), exported.source.process(),
                                     {{Version{99}}, Version{99}, kNoVersion, {}}, into(image));

    REQUIRE(result.error().code == ErrorCode::not_found);
    REQUIRE(result.error().message.find("99") != std::string::npos);
}

TEST_CASE("an image carries nothing of what its process was granted", "[store][image]") {
    Exported exported(any_kind());
    const Empty plain;
    const auto id = exported.source.process().id;
    REQUIRE(exported.source.store().set_grants(id, as_bytes("a directory")).ok());
    ByteVector image;
    exported.export_of({{exported.checkpoint}, exported.checkpoint, kNoVersion, {}}, image);

    const auto imported = import_image(*plain.store, out_of(image), {.name = "copy"});

    REQUIRE(imported.ok());
    REQUIRE(plain.store->grants(imported->process.id)->empty());
}
