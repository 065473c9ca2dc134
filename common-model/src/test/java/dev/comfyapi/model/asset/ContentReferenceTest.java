package dev.comfyapi.model.asset;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.model.asset.ContentReference.Kind;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.UUID;

class ContentReferenceTest {

    private static final String ID = "0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f";

    @Test
    void files_are_named_by_where_the_platform_has_them() {
        var asset = ContentReference.parse("asset://" + ID);
        var artifact = ContentReference.parse("job://" + ID + "/artifacts/12");

        assertThat(asset).contains(new ContentReference(Kind.ASSET, UUID.fromString(ID), 0));
        assertThat(artifact).contains(new ContentReference(Kind.JOB, UUID.fromString(ID), 12));
        assertThat(ContentReference.parse("job://" + ID + "/12")).isEqualTo(artifact);
        assertThat(artifact.orElseThrow()).hasToString("job://" + ID + "/artifacts/12");
        assertThat(asset.orElseThrow()).hasToString("asset://" + ID);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "fox.png",
                "asset://x",
                "asset://" + ID + "/1",
                "asset://0198F3C2-7D41-7C55-9A3E-5B0F6C1D2E3F",
                "job://" + ID,
                "job://" + ID + "/-1",
                "job://" + ID + "/01",
                "job://" + ID + "/9999999",
                "https://example.com/" + ID,
                "x asset://" + ID
            })
    void anything_else_is_no_reference(String text) {
        assertThat(ContentReference.parse(text)).isEmpty();
    }
}
