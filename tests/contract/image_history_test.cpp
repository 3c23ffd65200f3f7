#include <catch2/catch.hpp>

#include "store/image.hpp"
#include "tests/contract/store_fixture.hpp"
#include "tests/support/image_bytes.hpp"

using namespace sojourn;
using namespace sojourn::store;
using sojourn::tests::into;
using sojourn::tests::out_of;

namespace {

/// Where `root` leads to `left` and to `right`, which leads to `tip`, the head.
struct Tree {
    explicit Tree(const std::string& kind) : source(kind) {
        auto token = source.acquire();
        root = publish(token, {encoded(0, 1), encoded(1, 1), encoded(2, 1)}, "root");
        left = publish(token, {encoded(1, 2), encoded(5, 2)}, "left");
        token = source.acquire(root);
        right = publish(token, {encoded(2, 3)}, "right");
        tip = publish(token, {encoded(0, 4)}, "tip");
    }

    Version publish(FencingToken token, const std::vector<EncodedUnit>& units,
                    std::string_view name) {
        Publication publication;
        publication.info.id = source.family().reserve(token).value();
        publication.info.time_us = ++time_us;
        publication.info.message = name;
        publication.units = units;
        publication.attachment = as_bytes(name);
        REQUIRE(source.family().publish(token, publication).ok());
        return publication.info.id;
    }

    ByteVector image_of(const std::vector<Version>& checkpoints, Version head,
                        Version base = kNoVersion) {
        ByteVector image;
        REQUIRE(export_image(source.store(), source.process(), {checkpoints, head, base, {}},
                             into(image))
                    .ok());
        return image;
    }

    std::uint64_t time_us = 1'700'000'000'000'000;
    StoreFixture source;
    Version root, left, right, tip;
};

/// What is in a store, as text that can be compared.
std::string contents_of(Store& store, const std::string& name) {
    std::string text;
    const auto process = store.find_process(name).value();
    const auto family = store.family(process.family).value();
    const auto checkpoints = family->checkpoints(process.id).value();
    for (const CheckpointInfo& info : checkpoints) {
        text += info.message + ":";
        const View view = family->view_of(info.id).value();
        for (std::uint64_t index = 0; index < 10; ++index) {
            ByteVector unit(kTestUnitBytes);
            const auto state = family->read_unit(view, {kRegion, UnitIndex{index}}, unit).value();
            const bool is_there = state == UnitState::present && unit[0] != std::byte{0};
            text += is_there ? std::to_string(std::to_integer<int>(unit[0])) : "-";
        }
        text += info.id == process.head ? "* " : " ";
    }
    REQUIRE(family->verify()->empty());
    return text;
}

std::string tags_in(Store& store, const ProcessRecord& process) {
    std::string text;
    const auto family = store.family(process.family).value();
    const auto checkpoints = family->checkpoints(process.id).value();
    for (const CheckpointInfo& info : checkpoints) {
        text += info.message + ": ";
        for (const std::string& tag : info.tags)
            text += tag + " ";
    }
    return text;
}

}  // namespace

TEST_CASE("a whole history comes out as the tree that it was", "[image]") {
    Tree tree(any_kind());
    StoreFixture target(any_kind());
    const auto image = tree.image_of({tree.root, tree.left, tree.right, tree.tip}, tree.tip);

    const auto summary = import_image(target.store(), out_of(image), {.name = "copy"}).value();

    REQUIRE(contents_of(target.store(), "copy") ==
            "root:111------- left:121--2---- right:113------- tip:413-------* ");
    REQUIRE(summary.checkpoints_added == 4);
    REQUIRE(summary.image.units == 3 + 2 + 1 + 1);
    const auto family = target.store().family(summary.process.family).value();
    const auto checkpoints = family->checkpoints(summary.process.id).value();
    REQUIRE(checkpoints[2].parent == checkpoints[0].id);
    REQUIRE(summary.process.state == ProcessState::suspended);
}

TEST_CASE("a history brings its tags along", "[image][tags]") {
    Tree tree(any_kind());
    StoreFixture target(any_kind());
    REQUIRE(tree.source.family().set_tag(tree.left, "first", false).ok());
    REQUIRE(tree.source.family().set_tag(tree.left, "also", false).ok());
    REQUIRE(tree.source.family().set_tag(tree.tip, "last", false).ok());
    const auto image = tree.image_of({tree.root, tree.left, tree.tip}, tree.tip);

    const auto summary = import_image(target.store(), out_of(image), {.name = "copy"}).value();

    REQUIRE(tags_in(target.store(), summary.process) == "root: left: also first tip: last ");
}

TEST_CASE("a tag that a process has already stays where it is", "[image][tags]") {
    Tree tree(any_kind());
    StoreFixture target(any_kind());
    const auto base = tree.image_of({tree.root, tree.left}, tree.left);
    const auto first = import_image(target.store(), out_of(base), {.name = "copy"}).value();
    const auto family = target.store().family(first.process.family).value();
    const auto mine = family->checkpoints(first.process.id).value();
    REQUIRE(family->set_tag(mine[0].id, "good", false).ok());
    REQUIRE(tree.source.family().set_tag(tree.left, "late", false).ok());
    REQUIRE(tree.source.family().set_tag(tree.right, "good", false).ok());
    REQUIRE(tree.source.family().set_tag(tree.right, "new", false).ok());
    const auto difference = tree.image_of({tree.left, tree.right}, tree.right, tree.root);

    REQUIRE(import_image(target.store(), out_of(difference), {.name = "copy"}).ok());

    REQUIRE(tags_in(target.store(), first.process) == "root: good left: late right: new ");
}

TEST_CASE("an image with a tag that nobody could type is refused", "[image][tags]") {
    Tree tree(any_kind());
    StoreFixture target(any_kind());
    const std::string tag = GENERATE("two words", "7", "a..b", "a\nb");
    REQUIRE(tree.source.family().set_tag(tree.root, tag, false).ok());
    const auto image = tree.image_of({tree.root}, tree.root);

    const auto refused = import_image(target.store(), out_of(image), {.name = "copy"});

    REQUIRE(refused.error().code == ErrorCode::corrupt);
    REQUIRE(!target.store().find_process("copy").ok());
}

TEST_CASE("a history whose head is an older checkpoint stands there", "[image]") {
    Tree tree(any_kind());
    StoreFixture target(any_kind());
    const auto image = tree.image_of({tree.root, tree.left, tree.right}, tree.left);

    REQUIRE(import_image(target.store(), out_of(image), {.name = "copy"}).ok());

    REQUIRE(contents_of(target.store(), "copy") ==
            "root:111------- left:121--2----* right:113------- ");
}

TEST_CASE("checkpoints that share no ancestor in the image come out right", "[image]") {
    Tree tree(any_kind());
    StoreFixture target(any_kind());
    const auto image = tree.image_of({tree.left, tree.tip}, tree.tip);

    REQUIRE(import_image(target.store(), out_of(image), {.name = "copy"}).ok());

    REQUIRE(contents_of(target.store(), "copy") == "left:121--2---- tip:413-------* ");
}

TEST_CASE("a difference brings the process that has its base up to date", "[image]") {
    Tree tree(any_kind());
    StoreFixture target(any_kind());
    const auto base = tree.image_of({tree.root}, tree.root);
    const auto difference = tree.image_of({tree.right, tree.tip}, tree.tip, tree.root);
    const auto first = import_image(target.store(), out_of(base), {.name = "copy"}).value();

    const auto second = import_image(target.store(), out_of(difference), {.name = "copy"}).value();

    REQUIRE(contents_of(target.store(), "copy") ==
            "root:111------- right:113------- tip:413-------* ");
    REQUIRE(second.process.id == first.process.id);
    REQUIRE(second.process.generation == first.process.generation);
    REQUIRE(second.process.state == ProcessState::suspended);
    REQUIRE(second.image.units == 2);
    REQUIRE(target.store().processes()->size() == 2);
}

TEST_CASE("what a process has gone on with meanwhile stays beside a difference", "[image]") {
    Tree tree(any_kind());
    StoreFixture target(any_kind());
    const auto base = tree.image_of({tree.root, tree.left}, tree.left);
    const auto difference = tree.image_of({tree.right}, tree.right, tree.root);
    REQUIRE(import_image(target.store(), out_of(base), {.name = "copy"}).ok());

    REQUIRE(import_image(target.store(), out_of(difference), {.name = "copy"}).ok());

    REQUIRE(contents_of(target.store(), "copy") ==
            "root:111------- left:121--2---- right:113-------* ");
}

TEST_CASE("a difference that is there already changes nothing", "[image]") {
    Tree tree(any_kind());
    StoreFixture target(any_kind());
    const auto all = tree.image_of({tree.root, tree.right, tree.tip}, tree.tip);
    const auto difference = tree.image_of({tree.right}, tree.right, tree.root);
    const auto before = import_image(target.store(), out_of(all), {.name = "copy"}).value();

    const auto again = import_image(target.store(), out_of(difference), {.name = "copy"}).value();

    REQUIRE(again.checkpoints_added == 0);
    REQUIRE(again.process.head == before.process.head);
    REQUIRE(again.process.epoch == before.process.epoch);
}

TEST_CASE("a difference without its base is refused with the remedy", "[image]") {
    Tree tree(any_kind());
    StoreFixture target(any_kind());
    const auto difference = tree.image_of({tree.tip}, tree.tip, tree.right);
    const auto complete = tree.image_of({tree.root}, tree.root);
    REQUIRE(import_image(target.store(), out_of(complete), {.name = "older"}).ok());

    const auto missing = import_image(target.store(), out_of(difference), {.name = "older"});
    const auto right = tree.image_of({tree.right}, tree.right);
    REQUIRE(import_image(target.store(), out_of(right), {.name = "other"}).ok());
    const auto elsewhere = import_image(target.store(), out_of(difference), {.name = "older"});

    REQUIRE(missing.error().code == ErrorCode::not_found);
    REQUIRE(missing.error().message.find("exported without --since") != std::string::npos);
    REQUIRE(elsewhere.error().message.find("vm import --name other") != std::string::npos);
    REQUIRE(contents_of(target.store(), "older") == "root:111-------* ");
}

TEST_CASE("a difference that is damaged anywhere is taken back", "[image]") {
    Tree tree("mem:");
    StoreFixture target(any_kind());
    const auto base = tree.image_of({tree.root, tree.left}, tree.left);
    const auto difference = tree.image_of({tree.right, tree.tip}, tree.tip, tree.root);
    REQUIRE(import_image(target.store(), out_of(base), {.name = "copy"}).ok());
    const auto before = contents_of(target.store(), "copy");

    for (std::size_t position = 0; position < difference.size(); position += 3) {
        ByteVector changed = difference;
        changed[position] ^= std::byte{16};
        const Bytes cut = Bytes(difference).first(position);
        INFO("byte " << position);
        REQUIRE_FALSE(import_image(target.store(), out_of(changed), {.name = "copy"}).ok());
        REQUIRE_FALSE(import_image(target.store(), out_of(cut), {.name = "copy"}).ok());
    }

    REQUIRE(contents_of(target.store(), "copy") == before);
    REQUIRE(target.store().find_process("copy")->state == ProcessState::suspended);
}

TEST_CASE("nothing is changed of a process that cannot be held", "[image]") {
    Tree tree("mem:");
    StoreFixture target(any_kind());
    const auto base = tree.image_of({tree.root}, tree.root);
    const auto difference = tree.image_of({tree.tip}, tree.tip, tree.root);
    const auto before = import_image(target.store(), out_of(base), {.name = "copy"}).value();
    const auto refuse = [](const ProcessRecord&) -> Result<void> {
        return fail(ErrorCode::busy, "it runs");
    };

    const auto result =
        import_image(target.store(), out_of(difference), {.name = "copy", .hold = refuse});

    REQUIRE(result.error().code == ErrorCode::busy);
    REQUIRE(target.store().find_process("copy")->epoch == before.process.epoch);
}

TEST_CASE("an image whose state makes no sense leaves no trace", "[image]") {
    Tree tree("mem:");
    StoreFixture target(any_kind());
    const auto base = tree.image_of({tree.root, tree.left}, tree.left);
    const auto difference = tree.image_of({tree.right, tree.tip}, tree.tip, tree.root);
    REQUIRE(import_image(target.store(), out_of(base), {.name = "copy"}).ok());
    const auto before = contents_of(target.store(), "copy");
    std::vector<std::string> shown;
    const auto refuse = [&](const std::shared_ptr<Family>& family, FencingToken token,
                            const auto&) -> Result<void> {
        const Version head = TRY(family->process(token.process)).head;
        shown.emplace_back(as_text(TRY(family->read_attachment(head))));
        return fail(ErrorCode::corrupt, "it makes no sense");
    };

    const auto complete =
        import_image(target.store(), out_of(base), {.name = "other", .check = refuse});
    const auto onto =
        import_image(target.store(), out_of(difference), {.name = "copy", .check = refuse});

    REQUIRE(complete.error().message == "it makes no sense");
    REQUIRE(onto.error().message == "it makes no sense");
    REQUIRE(shown == std::vector<std::string>{"left", "tip"});
    REQUIRE(contents_of(target.store(), "copy") == before);
    REQUIRE(target.store().processes()->size() == 2);
}
