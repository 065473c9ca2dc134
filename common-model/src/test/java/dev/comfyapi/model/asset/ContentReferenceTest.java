package dev.comfyapi.model.asset;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.UUID;

class ContentReferenceTest {

    private static final String ID = "0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f";

    @Test
    void an_upload_and_an_output_are_told_apart() {
        var asset = ContentReference.parse("asset://" + ID).orElseThrow();
        var output = ContentReference.parse("job://" + ID + "/artifacts/3").orElseThrow();

        assertThat(asset).isEqualTo(ContentReference.asset(UUID.fromString(ID)));
        assertThat(output).isEqualTo(ContentReference.artifact(UUID.fromString(ID), 3));
        assertThat(ContentReference.parse("job://" + ID + "/3")).contains(output);
    }

    @Test
    void what_it_writes_it_reads() {
        var output = ContentReference.artifact(UUID.fromString(ID), 12);
        var asset = ContentReference.asset(UUID.fromString(ID));

        assertThat(ContentReference.parse(output.toString())).contains(output);
        assertThat(ContentReference.parse(asset.toString())).contains(asset);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "fox.png",
                "asset://",
                "asset://fox.png",
                "asset://" + ID + "/",
                "asset://" + ID + "\n",
                " asset://" + ID,
                "ASSET://" + ID,
                "asset://0198F3C2-7D41-7C55-9A3E-5B0F6C1D2E3F",
                "asset://../" + ID,
                "job://" + ID,
                "job://" + ID + "/-1",
                "job://" + ID + "/01",
                "job://" + ID + "/100000",
                "job://" + ID + "/outputs/0",
                "job://" + ID + "/0/../1",
                "https://example.com/" + ID
            })
    void anything_else_is_no_reference(String text) {
        assertThat(ContentReference.parse(text)).isEmpty();
    }
}
