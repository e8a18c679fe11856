"""A real head sent to a node by a modality: its score is found in its study in Orthanc."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import highdicom as hd
import pydicom
import pytest
from node_parts import Log, wait_until

pytest.importorskip("pynetdicom", reason="pynetdicom, of the extra node, is not installed")
from orthanc import MISSING, PROGRAM, running_orthanc
from small_pacs import send_images

from atlas_builder.io.dicom.codes import ASPECTS, coded
from atlas_builder.node.inbox import Inbox
from atlas_builder.node.jobs import Node, Rules, prepare, run_once
from atlas_builder.node.queue import JobQueue
from atlas_builder.node.receiver import Receiver, ReceiverSettings
from atlas_builder.node.scoring import score_in_process
from atlas_builder.node.sender import Destination


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
def test_the_score_of_a_real_head_comes_back_into_its_study(data: Path, tmp_path: Path) -> None:
    images = [pydicom.dcmread(path) for path in sorted((data / "ge-head-ct").glob("*.dcm"))]
    state = tmp_path / "state"
    state.mkdir()
    with running_orthanc(tmp_path / "orthanc") as orthanc:
        assert set(send_images(orthanc.port, images, "PACS")) == {0}
        node = Node(
            state=state,
            rules=Rules(0.0, 1.0, None),
            queue=JobQueue(state / "queue.sqlite"),
            inbox=Inbox(state, 1000, 0.0),
            watcher=None,
            destination=Destination("127.0.0.1", orthanc.port, "PACS", "ASPECTS"),
            score=score_in_process(900.0),
            log=Log(),
        )
        prepare(node)
        receiver = Receiver(ReceiverSettings("ASPECTS", "127.0.0.1", 0, ()), node.inbox, node.log)
        assert set(send_images(receiver.port, images)) == {0}
        receiver.close()
        wait_until(lambda: bool(node.inbox.complete(0.0, 1e9)))
        run_once(node, 1e9)
        assert node.queue.counts()["done"] == 1, node.log.lines  # type: ignore[attr-defined]
        stored = orthanc.objects()
    assert len({dataset.StudyInstanceUID for dataset in stored}) == 1
    kinds = Counter(dataset.Modality for dataset in stored)
    assert kinds["CT"] > len(images)
    assert kinds["SR"] == 1
    assert kinds["SEG"] >= 1
    written = {}
    for path in node.results.rglob("*.dcm"):
        dataset = pydicom.dcmread(path)
        written[dataset.SOPInstanceUID] = dataset
    returned = [dataset for dataset in stored if dataset.SOPInstanceUID in written]
    assert len(returned) == len(written)
    assert all(dataset == written[dataset.SOPInstanceUID] for dataset in returned)
    (report,) = (dataset for dataset in stored if dataset.Modality == "SR")
    content = hd.sr.ComprehensiveSR.from_dataset(report).content
    scores = [
        one.value
        for group in content.get_image_measurement_groups()
        for one in group.get_measurements(name=coded(ASPECTS))
    ]
    assert len(scores) == 3
    assert all(0 <= score <= 10 for score in scores)
