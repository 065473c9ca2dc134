package dev.comfyapi.model.asset;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.UUID;

class ContentReferenceTest {

    private static final String ID = "01890a5d-ac96-774b-bcce-b302099a8057";

    @Test
    void assets_and_files_of_jobs_are_told_apart() {
        var id = UUID.fromString(ID);

        assertThat(ContentReference.parse("asset://" + ID))
                .contains(new ContentReference(ContentReference.Kind.ASSET, id, 0));
        assertThat(ContentReference.parse("job://" + ID + "/artifacts/12"))
                .contains(new ContentReference(ContentReference.Kind.JOB, id, 12));
        assertThat(ContentReference.parse("job://" + ID + "/0"))
                .contains(new ContentReference(ContentReference.Kind.JOB, id, 0));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "fox.png",
                "asset://",
                "asset://x",
                "asset://01890A5D-ac96-774b-bcce-b302099a8057",
                "asset://01890a5d-ac96-774b-bcce-b302099a8057/0",
                "asset://01890a5d-ac96-774b-bcce-b302099a8057\n",
                "job://01890a5d-ac96-774b-bcce-b302099a8057",
                "job://01890a5d-ac96-774b-bcce-b302099a8057/-1",
                "job://01890a5d-ac96-774b-bcce-b302099a8057/99999",
                "https://example.com"
            })
    void anything_else_is_none(String text) {
        assertThat(ContentReference.parse(text)).isEmpty();
    }
}
