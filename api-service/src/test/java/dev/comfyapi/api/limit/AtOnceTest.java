package dev.comfyapi.api.limit;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comfyapi.api.http.ApiProblem;

import org.junit.jupiter.api.Test;

class AtOnceTest {

    private final AtOnce reports = new AtOnce("reports", 2);

    @Test
    void a_tenant_has_so_many_and_gets_each_of_them_back_once() {
        var first = reports.begin(7);
        var second = reports.begin(7);
        assertThatThrownBy(() -> reports.begin(7)).isInstanceOf(ApiProblem.class);
        assertThatCode(() -> reports.begin(8)).doesNotThrowAnyException();

        first.close();
        first.close();
        assertThatCode(() -> reports.begin(7)).doesNotThrowAnyException();

        assertThatThrownBy(() -> reports.begin(7)).isInstanceOf(ApiProblem.class);
        second.close();
    }
}
