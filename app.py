"""The MNIST playground: page set-up and navigation. Start it with `make run` or `streamlit run app.py`.

That command reads `app` from this file as a module, and serves it; for each visitor it runs the file as a script.
"""

import streamlit as st

from mnist_core.language import gettext as _

if __name__ == "__main__":
    from pages.widgets.common import projector, theme
    from pages.widgets.state import browser, class_seat, visitor_language, warmup

    visitor_language.settle()
    st.set_page_config(_("MNIST playground"), page_icon="✏️", layout="wide")
    theme.use_the_space()
    projector.enlarge()

    page = st.navigation(
        [
            st.Page("pages/train.py", title=_("Train"), icon=":material/play_circle:", default=True),
            st.Page("pages/evaluate.py", title=_("Evaluate"), icon=":material/grid_on:"),
            st.Page("pages/compare.py", title=_("Compare"), icon=":material/compare_arrows:"),
            st.Page("pages/draw.py", title=_("Draw"), icon=":material/draw:"),
            st.Page("pages/data.py", title=_("Data"), icon=":material/dataset:"),
            st.Page("pages/learn.py", title=_("Learn"), icon=":material/school:"),
            st.Page("pages/classroom.py", title=_("Class"), icon=":material/groups:", url_path="class"),
        ],
        position="hidden" if projector.is_on() else "top",
    )
    try:
        browser.admit_session()
        if class_seat.OWN.is_set() and page.url_path != "class":
            from pages.widgets.classroom import way_back  # Most visitors are in no class.

            way_back.way_back()
        page.run()
        if not projector.is_on():
            visitor_language.language_menu()
        visitor_language.tell_browser()
        browser.remember_workspace()
    finally:
        # Not before: importing TensorFlow at the same time doubles the time until the first visitor sees a text.
        warmup.start_warmup()
else:
    from starlette.middleware import Middleware

    from pages.widgets.server import (
        callbacks,
        cluster_start,
        control_values,
        cookies,
        departures,
        frame_route,
        health,
        last_messages,
        made_files,
        server_log,
        shutdown,
        static_files,
    )

    server_log.limit()
    cluster_start.connect()
    callbacks.finish()
    control_values.look_up()
    last_messages.deliver()
    made_files.keep()
    health.start_minutes()
    around = (
        static_files.StaticFiles,
        departures.Departures,
        health.Readiness,
        frame_route.FrameRoute,
        cookies.WorkspaceCookie,
    )
    middleware = [Middleware(one) for one in around]
    app = st.App(__file__, middleware=middleware, lifespan=shutdown.lifespan)
