package dev.comfyapi.api.submit;

import dev.comfyapi.api.catalogue.PoolCatalogue;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.model.generation.GenerationRequest;
import dev.comfyapi.model.generation.GenerationRequest.ControlNet;
import dev.comfyapi.model.generation.GenerationRequest.StartImage;

import org.springframework.stereotype.Component;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Reads the pictures that a request brings along: to begin with, to repaint in part, to follow.
@Component
final class ImageForm {

    /// What a `data:` URL of 256 KiB takes, with room to spare.
    private static final int LONGEST_REFERENCE = 400_000;

    private static final BigDecimal MOST_CONTROL = new BigDecimal("10.0");

    private final ImageSources sources;

    ImageForm(ImageSources sources) {
        this.sources = sources;
    }

    /// The picture to begin with; empty when there is none.
    Optional<StartImage> start(Asker asker, Members members) {
        var image = reference(asker, members, "init_image");
        var mask = reference(asker, members, "mask");
        var strength = members.decimal("strength", BigDecimal.ZERO, BigDecimal.ONE);
        if (!members.has("init_image")) {
            refuseWithoutImage(members, "mask");
            refuseWithoutImage(members, "strength");
        }
        return image.map(picture ->
                new StartImage(
                        picture, strength.orElse(StartImage.DEFAULT_STRENGTH), mask.orElse(null)));
    }

    private static void refuseWithoutImage(Members members, String member) {
        if (members.has(member)) {
            members.problems()
                    .add(
                            members.pointer(member),
                            "needs_member",
                            "means nothing without init_image",
                            Map.of("needs", "init_image"));
        }
    }

    /// The pictures to follow, in their order.
    List<ControlNet> controlNets(Asker asker, PoolCatalogue fleet, Members members) {
        var nets = new ArrayList<ControlNet>();
        for (var element : members.elements("controlnet", 0, GenerationRequest.MAX_CONTROL_NETS)) {
            var net = Members.at(element.value(), element.pointer(), members.problems());
            var model = FleetNames.file(fleet, net, "model", "controlnet");
            net.require("image");
            var image = reference(asker, net, "image");
            var strength = net.decimal("strength", BigDecimal.ZERO, MOST_CONTROL);
            var start =
                    net.decimal("start", BigDecimal.ZERO, BigDecimal.ONE).orElse(BigDecimal.ZERO);
            var end = net.decimal("end", BigDecimal.ZERO, BigDecimal.ONE).orElse(BigDecimal.ONE);
            net.end();
            if (end.compareTo(start) < 0) {
                net.problems()
                        .add(
                                net.pointer("end"),
                                "out_of_range",
                                "must not be less than start",
                                Map.of("min", start, "actual", end));
            }
            if (model.isPresent() && image.isPresent()) {
                nets.add(
                        new ControlNet(
                                model.get(),
                                image.get(),
                                strength.orElse(BigDecimal.ONE),
                                start,
                                end));
            }
        }
        return nets;
    }

    private Optional<String> reference(Asker asker, Members members, String member) {
        return members.text(member, 1, LONGEST_REFERENCE)
                .flatMap(given ->
                        sources.reference(
                                asker, given, members.pointer(member), members.problems()));
    }
}
