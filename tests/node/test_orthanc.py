"""Between the node and a real PACS: results are found in the study that was sent."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import pydicom
import pytest
from node_parts import Log, make_study, wait_until, write_result

pytest.importorskip("pynetdicom", reason="pynetdicom, of the extra node, is not installed")
from orthanc import MISSING, PROGRAM, running_orthanc
from small_pacs import send_images

from atlas_builder.node.jobs import Node, Rules, run_once
from atlas_builder.node.receiver import Receiver, ReceiverSettings
from atlas_builder.node.sender import Destination

pytestmark = [pytest.mark.skipif(PROGRAM is None, reason=MISSING), pytest.mark.slow]

EXPECTED = {"CT": 6 + 2, "SEG": 1, "SR": 1}  # slices, and those with regions on, drawn


def test_twenty_studies_come_back_with_their_results(
    make_node: Callable[..., Node], tmp_path: Path
) -> None:
    """The node is ended in the middle, at an exception, and started again."""
    studies = [make_study(tmp_path / str(n), f"patient-{n}", 6) for n in range(20)]
    with running_orthanc(tmp_path / "orthanc") as orthanc:
        destination = Destination("127.0.0.1", orthanc.port, "PACS", "ASPECTS")
        for images in studies:
            assert send_images(orthanc.port, images, "PACS") == [0] * 6
        node = make_node(destination=destination, rules=Rules(0.0, 1.0, None), score=write_result)
        receiver = Receiver(
            ReceiverSettings("ASPECTS", "127.0.0.1", 0, ("CT1",)), node.inbox, Log()
        )
        with ThreadPoolExecutor(5) as senders:
            sent = list(senders.map(lambda images: send_images(receiver.port, images), studies))
        receiver.close()
        assert sent == [[0] * 6] * 20
        wait_until(lambda: len(node.inbox.complete(0.0, 1e9)) == 20)
        for _ in range(7):
            run_once(node, 1e9)
        again = make_node(destination=destination, rules=node.rules, score=write_result)
        again = replace(again, log=Log())
        wait_until(lambda: not run_once(again, 1e9) and again.queue.counts()["done"] == 20)

        found: dict[str, list[pydicom.FileDataset]] = defaultdict(list)
        for dataset in orthanc.objects():
            found[dataset.StudyInstanceUID].append(dataset)
    assert found.keys() == {images[0].StudyInstanceUID for images in studies}
    for datasets in found.values():
        assert Counter(dataset.Modality for dataset in datasets) == EXPECTED
        assert len({dataset.PatientID for dataset in datasets}) == 1
    stored = {dataset.SOPInstanceUID: dataset for one in found.values() for dataset in one}
    for path in again.results.rglob("*.dcm"):
        written = pydicom.dcmread(path)
        assert stored[written.SOPInstanceUID] == written
    report = next(dataset for dataset in stored.values() if dataset.Modality == "SR")
    groups = hd.sr.ComprehensiveSR.from_dataset(
        report
    ).content.get_volumetric_roi_measurement_groups()
    assert len(groups) == 20
    segment = groups[0].referenced_segment
    assert stored[segment.referenced_sop_instance_uid].StudyInstanceUID == report.StudyInstanceUID
